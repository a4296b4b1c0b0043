import {
  agreementOfferSchema,
  AppError,
  parseInput,
  type AgreementOffer,
  type AgreementTemplate,
  type GuaranteeState,
} from '@medusa/protocol';
import {
  isObserved,
  leavesOf,
  occiStateOf,
  openActs,
  type AgreementRecord,
  type Agreements,
} from '../../agreement/index.ts';
import type { Instance, NewInstance, OcciBackend, OcciCaller } from '../backend.ts';
import { agreementKind, identifierOf, wsAgreementMixin } from '../model/index.ts';
import { chosenTerms, templateMixinOf, termEntries, termMixinOf } from './agreement-terms.ts';
import { adminOnly, attributesFrom, refuseChanges } from './resources.ts';

export type AgreementDeps = {
  readonly agreements: Pick<Agreements, 'templates' | 'list' | 'get' | 'create' | 'act' | 'latestVerdicts'>;
  readonly newId: () => string;
};

type Act = Parameters<Agreements['act']>[1];

/** Of every state together; which of them an agreement takes now, its own state says. */
const acts: Readonly<Record<string, Act>> = {
  accept: { event: 'accept' },
  reject: { event: 'reject' },
  suspend: { event: 'suspend' },
  resume: { event: 'resume' },
  terminate: { event: 'terminate' },
};

/** The agreements themselves (GFD.228). What was agreed upon is never deleted: the ledger is about it. */
export function agreementBackend({ agreements, newId }: AgreementDeps): OcciBackend {
  const shown = async (records: readonly AgreementRecord[]): Promise<readonly Instance[]> => {
    const verdicts = await agreements.latestVerdicts(records.filter(isWatched).map(({ id }) => id));
    const states = new Map(verdicts.map((one) => [`${one.agreementId} ${one.guarantee}`, one.state]));
    return records.map((record) => toInstance(record, states));
  };
  const one = async (record: AgreementRecord): Promise<Instance> => {
    const [instance] = await shown([record]);
    if (!instance) throw new AppError('resource.unknown', 'There is no such instance');
    return instance;
  };
  return {
    ...{ kind: agreementKind, access: adminOnly, actions: Object.keys(acts) },
    ...{ takesIds: true, linksAtBirth: [] },
    list: async () => shown(await agreements.list()),
    async get(id) {
      const record = await find(agreements, id);
      return record && one(record);
    },
    async create(wanted, { user }) {
      const document = documentOf(wanted, await agreements.templates(), newId);
      return one(await agreements.create(document, user.name));
    },
    update: async (_id, changes) => refuseChanges(changes),
    async act(id, { term }, by: OcciCaller) {
      const act = acts[term];
      if (!act) throw new AppError('occi.not-implemented', `${term} is not implemented`);
      return one(await agreements.act(id, act, by.user.name));
    },
  };
}

async function find(
  agreements: AgreementDeps['agreements'],
  id: string,
): Promise<AgreementRecord | undefined> {
  try {
    return await agreements.get(id);
  } catch (error) {
    if (error instanceof AppError && error.code === 'agreement.unknown') return undefined;
    throw error;
  }
}

/** The offer that a template makes, for this initiator and until then. */
function documentOf(
  { id, mixins, attributes }: NewInstance,
  templates: readonly AgreementTemplate[],
  newId: () => string,
): AgreementOffer {
  const [template, ...more] = templates.filter((one) => mixins.includes(identifierOf(templateMixinOf(one))));
  if (!template || more.length > 0)
    throw new AppError('request.invalid', 'An agreement is made of one template, which is one of its mixins');
  if (attributes.has('occi.agreement.effectiveFrom'))
    throw new AppError('request.invalid', 'An agreement takes effect when it is accepted');
  const { context, name, terms } = template;
  const until = attributes.get('occi.agreement.effectiveUntil');
  return parseInput(agreementOfferSchema, {
    ...{ id: id ?? newId(), terms: chosenTerms(terms, new Set(mixins)) },
    ...(name === undefined ? {} : { name }),
    context: {
      ...context,
      templateId: template.id,
      initiator: attributes.get('medusa.agreement.initiator') ?? context.initiator,
      ...(until === undefined ? {} : { expirationTime: until }),
    },
  });
}

function isWatched({ state, suspension }: AgreementRecord): boolean {
  return isObserved(state) && suspension === 'none';
}

function toInstance(record: AgreementRecord, verdicts: ReadonlyMap<string, GuaranteeState>): Instance {
  const { id, document, templateId, observedAt } = record;
  const { context } = document;
  const leaves = leavesOf(document.terms);
  const template = templateId === null ? [] : [identifierOf(templateMixinOf({ id: templateId }))];
  return {
    id,
    mixins: [
      identifierOf(wsAgreementMixin),
      ...template,
      ...leaves.map((leaf) => identifierOf(termMixinOf(leaf))),
    ],
    attributes: attributesFrom([
      ['occi.core.title', document.name ?? id],
      ['occi.agreement.state', occiStateOf(record)],
      ['occi.agreement.agreedAt', observedAt],
      ['occi.agreement.effectiveFrom', observedAt],
      ['occi.agreement.effectiveUntil', record.endedAt ?? record.terminateAt ?? context.expirationTime],
      ['medusa.agreement.state', record.state],
      ['medusa.agreement.template', templateId],
      ['medusa.agreement.initiator', context.initiator],
      ['medusa.agreement.responder', context.responder],
      ...leaves.flatMap((leaf) => termEntries(leaf, verdicts.get(`${id} ${leaf.name}`) ?? 'NotDetermined')),
    ]),
    actions: openActs(record),
  };
}
