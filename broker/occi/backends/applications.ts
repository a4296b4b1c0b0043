import {
  AppError,
  createServiceSchema,
  parseInput,
  serviceIdSchema,
  type ServiceId,
  type ServiceView,
} from '@medusa/protocol';
import type { ServiceRecord, Services } from '../../service/index.ts';
import type { Instance, NewInstance, OcciBackend } from '../backend.ts';
import {
  agreementKind,
  agreementLinkKind,
  applicationKind,
  applicationTemplateMixin,
  componentKind,
  componentLinkKind,
  identifierOf,
  mixinOf,
  serviceMixin,
  type Kind,
  type Mixin,
} from '../model/index.ts';
import { chooseProvider } from './choose.ts';
import type { Offers } from './offers.ts';
import { adminOnly, attributesFrom, byOf, providerPart, refuseChanges } from './resources.ts';
import { termOf } from './term.ts';

export type ApplicationDeps = {
  readonly services: Pick<Services, 'create' | 'get' | 'list' | 'act' | 'idFor'>;
  /** As they are stored: which belongs to which, without asking anybody. */
  readonly serviceRecords: () => Promise<
    readonly Pick<ServiceRecord, 'id' | 'state' | 'agreement' | 'plan'>[]
  >;
  /** Names of the catalogue. */
  readonly manifests: Iterable<string>;
  readonly offers: Offers;
};

const makeMs = 20_000;
const actions = { start: 'restart', stop: 'suspend' } as const;

/** Manifests that run (GFD.227): an application is a service, and each node of its plan a component. */
export function applicationBackend(deps: ApplicationDeps): OcciBackend {
  const { services } = deps;
  const find = async (id: string): Promise<ServiceView | undefined> => {
    const parsed = serviceIdSchema.safeParse(id);
    return parsed.success ? known(services, parsed.data) : undefined;
  };
  return {
    ...{ kind: applicationKind, access: adminOnly, actions: Object.keys(actions) },
    ...{ takesIds: true, linksAtBirth: [] },
    list: async () => (await services.list()).filter(isThere).map(toInstance),
    async get(id) {
      const view = await find(id);
      return view && isThere(view) ? toInstance(view) : undefined;
    },
    async create(wanted, by) {
      const asked = await wishOf(deps, wanted);
      return toInstance(await services.create(asked, byOf(by), AbortSignal.timeout(makeMs)));
    },
    update: async (_id, changes) => refuseChanges(changes),
    async delete(id) {
      await services.act(serviceIdSchema.parse(id), 'release');
    },
    act: async (id, { term }) =>
      toInstance(await services.act(serviceIdSchema.parse(id), actions[term as keyof typeof actions])),
  };
}

async function known(services: ApplicationDeps['services'], id: ServiceId): Promise<ServiceView | undefined> {
  try {
    return await services.get(id);
  } catch (error) {
    if (error instanceof AppError && error.code === 'service.unknown') return undefined;
    throw error;
  }
}

/** What is about to go is gone for clients; what a failed deployment takes back is told until it is deleted. */
function isThere({ state }: Pick<ServiceRecord, 'state'>): boolean {
  return state.kind !== 'absent' && !(state.kind === 'releasing' && state.reason === null);
}

/** Each manifest of the catalogue is a template that an application is made from. */
export function manifestMixins(manifests: Iterable<string>): readonly Mixin[] {
  return Array.from(manifests, manifestMixinOf);
}

function manifestMixinOf(name: string): Mixin {
  const term = termOf(name);
  return mixinOf({
    ...{ scheme: 'http://medusa.example/occi/app_tpl#', term, title: `Application template: ${name}` },
    depends: [applicationTemplateMixin, serviceMixin].map(identifierOf),
    applies: [identifierOf(applicationKind)],
    location: `/mixins/app_tpl/${term}/`,
  });
}

async function wishOf({ manifests, services, offers }: ApplicationDeps, wanted: NewInstance) {
  const { id, mixins, attributes } = wanted;
  const [manifest, ...more] = Array.from(manifests).filter((name) =>
    mixins.includes(identifierOf(manifestMixinOf(name))),
  );
  if (manifest === undefined || more.length > 0)
    throw new AppError(
      'request.invalid',
      'An application is made of one template, which is one of its mixins',
    );
  const name = attributes.get('occi.app.name');
  if (id !== null && name !== id)
    throw new AppError('request.invalid', 'occi.app.name is the id, when there is one');
  const wish = parseInput(createServiceSchema, {
    ...{ id: name, manifest, provider: chooseProvider(await offers(), wanted, 'machines').id },
    agreement: attributes.get('medusa.service.agreement') ?? null,
  });
  return { ...wish, id: services.idFor(wish) };
}

const told = {
  idle: 'inactive',
  working: 'inactive',
  running: 'active',
  suspended: 'inactive',
  // It is not what it shall be: `start` brings it back.
  degraded: 'error',
  releasing: 'error',
  error: 'error',
  absent: 'inactive',
} as const;

const actionsIn: Readonly<Partial<Record<ServiceView['state']['kind'], readonly string[]>>> = {
  running: ['stop'],
  degraded: ['start', 'stop'],
  suspended: ['start'],
};

function toInstance(view: ServiceView): Instance {
  const { id, state, reason, manifest, agreement } = view;
  const { mixin, attribute } = providerPart(view);
  return {
    id,
    mixins: [mixin, identifierOf(serviceMixin), identifierOf(manifestMixinOf(manifest))],
    attributes: attributesFrom([
      ['occi.core.title', id],
      ['occi.app.name', id],
      ['occi.app.state', told[state.kind]],
      ['occi.app.state.message', reason === '' ? state.kind : `${state.kind}: ${reason}`],
      ['medusa.service.agreement', agreement],
      ['medusa.service.manifest', manifest],
      ['medusa.service.state', state.kind],
      attribute,
    ]),
    actions: actionsIn[state.kind] ?? [],
  };
}

/** Nodes of services. They start and stop with their application, and not alone. */
export function componentBackend({ services }: ApplicationDeps): OcciBackend {
  const list = async (): Promise<readonly Instance[]> =>
    (await services.list()).filter(isThere).flatMap(componentsOf);
  return {
    ...{ kind: componentKind, access: adminOnly, actions: [], takesIds: false, linksAtBirth: [] },
    list,
    async get(id) {
      const application = serviceIdSchema.safeParse(id.split('.')[0]);
      const view = application.success ? await known(services, application.data) : undefined;
      return view && isThere(view) ? componentsOf(view).find((one) => one.id === id) : undefined;
    },
  };
}

const componentId = (service: string, node: string): string => `${service}.${termOf(node)}`;
const broken: readonly (string | null)[] = ['error', 'quarantined', 'held'];

function componentsOf({ id, state, nodes }: ServiceView): Instance[] {
  return nodes.map(({ node, resources }) => {
    const phases = resources.map(({ phase }) => phase);
    const isOn = state.kind !== 'suspended' && phases.every((phase) => phase === 'ready');
    const reasons = resources.flatMap(({ id: of, phase, reason }) =>
      phase === 'ready' ? [] : [`${of} is ${phase ?? 'not asked for'}${reason && `: ${reason}`}`],
    );
    return {
      ...{ id: componentId(id, node), mixins: [], actions: [] },
      attributes: attributesFrom([
        ['occi.core.title', node],
        [
          'occi.component.state',
          phases.some((phase) => broken.includes(phase)) ? 'error' : isOn ? 'active' : 'inactive',
        ],
        ['occi.component.state.message', reasons.length === 0 ? null : reasons.join('; ')],
      ]),
    };
  });
}

/** Which application has which components. They are made and go together. */
export function componentLinkBackend({ serviceRecords }: ApplicationDeps): OcciBackend {
  return derivedLinks(componentLinkKind, async () =>
    (await serviceRecords()).filter(isThere).flatMap(({ id, plan }) =>
      plan.nodes.map(({ node }) => ({
        id: componentId(id, node),
        source: `${applicationKind.location ?? ''}${id}`,
        target: `${componentKind.location ?? ''}${componentId(id, node)}`,
      })),
    ),
  );
}

/** Which application is run under which agreement: settled when the application is made. */
export function agreementLinkBackend({ serviceRecords }: ApplicationDeps): OcciBackend {
  return derivedLinks(agreementLinkKind, async () =>
    (await serviceRecords()).filter(isThere).flatMap(({ id, agreement }) =>
      agreement === null
        ? []
        : [
            {
              id: `${agreement}.${id}`,
              source: `${agreementKind.location ?? ''}${agreement}`,
              target: `${applicationKind.location ?? ''}${id}`,
            },
          ],
    ),
  );
}

type Ends = { readonly id: string; readonly source: string; readonly target: string };

function derivedLinks(kind: Kind, ends: () => Promise<readonly Ends[]>): OcciBackend {
  const list = async (): Promise<readonly Instance[]> =>
    (await ends()).map(({ id, source, target }) => ({
      ...{ id, mixins: [], actions: [] },
      attributes: new Map([
        ['occi.core.source', source],
        ['occi.core.target', target],
      ]),
    }));
  return {
    ...{ kind, access: adminOnly, actions: [], takesIds: false, linksAtBirth: [] },
    list,
    get: async (id) => (await list()).find((one) => one.id === id),
  };
}
