import {
  AppError,
  serviceIdSchema,
  type CreateService,
  type Manifest,
  type ManifestCheck,
  type ProviderId,
  type ServiceAction,
  type ServiceId,
  type ServicePlan,
  type ServiceView,
} from '@medusa/protocol';
import { describedServices, type Agreements } from '../agreement/index.ts';
import { checkManifest, planAt } from '../manifest/index.ts';
import { Dispatcher, type By, type Notice, type Presence, type Provisioning } from '../provision/index.ts';
import { lifeOf } from './agreement-life.ts';
import { lookAt } from './ask.ts';
import { moved, stepOf } from './progress.ts';
import { ownIdsOf, type ServiceRecord, type ServiceStore } from './record.ts';
import { viewOf } from './view.ts';
import { workOnService } from './work.ts';

export type ServicesDeps = {
  readonly store: ServiceStore;
  readonly provisioning: Pick<Provisioning, 'resource' | 'create' | 'act' | 'catalog' | 'providers'>;
  /** The catalogue, by name. */
  readonly manifests: ReadonlyMap<string, Manifest>;
  /** Owner of networks and security groups. */
  readonly tenant: string;
  readonly agreements: Pick<Agreements, 'get' | 'inForce'>;
  readonly openPresence: (onNotice: (notice: Notice) => void) => Promise<Presence>;
  readonly now: () => Date;
  /** 0 to 1. */
  readonly random: () => number;
  /** Four characters that tell services of one manifest apart. */
  readonly newMark: () => string;
  readonly report: (error: unknown) => void;
};

/**
 * Manifests that run. Everything answers at once: the work is done by the brokers together, each service under one claim, and is seen in
 * the views. Unknown ids throw `service.unknown`; what the present state does not take throws `service.conflict`.
 */
export interface Services {
  /** The id that it asks for, or one made from the manifest's name, another one each time. */
  idFor(wanted: CreateService): ServiceId;
  /**
   * Throws `manifest.unknown`; `service.unfit` when it cannot be deployed there, with every reason; `agreement.conflict` while its
   * agreement is not observed and `agreement.over` after its end.
   */
  create(wanted: CreateService, by: By, signal: AbortSignal): Promise<ServiceView>;
  /** What `create` would make; throws the same. */
  plan(wanted: CreateService, signal: AbortSignal): Promise<ServicePlan>;
  /** Newest first. */
  list(): Promise<readonly ServiceView[]>;
  get(id: ServiceId): Promise<ServiceView>;
  act(id: ServiceId, action: ServiceAction): Promise<ServiceView>;
}

export type RunningServices = Services & AsyncDisposable;

const servicesAtOnce = 4;

/** Disposing ends the work under way; the next broker goes on. */
export function openServices(deps: ServicesDeps): RunningServices {
  const { store, provisioning, random, report } = deps;
  const now = (): number => deps.now().getTime();
  const dispatcher = new Dispatcher<'service'>({
    ...{ work: store, openPresence: deps.openPresence, random, report },
    handle: async (claim, signal) => workOnService({ store, provisioning, now }, claim, signal),
    onNotice: () => undefined,
    wakesAt: 'service',
    limits: () => ({ of: {}, others: servicesAtOnce }),
  });
  return {
    ...readingOf(deps),
    idFor: (wanted) => idOf(deps, wanted),
    async plan(wanted, signal) {
      const { plan, fit, leftOut } = await drawUp(deps, wanted, { id: idOf(deps, wanted), signal });
      return { plan, fit, leftOut };
    },
    async create(wanted, { actor }, signal) {
      const id = idOf(deps, wanted);
      const drawn = await drawUp(deps, wanted, { id, signal });
      const record = recordOf(wanted, drawn, { id, now: now(), createdBy: actor });
      await refuseForeign(deps, record);
      if (!(await store.insert(record)))
        throw new AppError(
          'service.conflict',
          `There is a service ${id} already, or one with things of its names`,
        );
      dispatcher.wake();
      return viewOf(provisioning, record);
    },
    async act(id, action) {
      const known = await require(store, id);
      if (action === 'restart') await requireLife(deps, known.agreement);
      const event = action === 'suspend' ? await suspension(deps, known.provider) : { kind: action };
      const record = await store.change(id, (latest) => {
        const next = moved(latest, event, now());
        if ('kind' in next) throw new AppError('service.conflict', next.reason);
        return next;
      });
      dispatcher.wake();
      return viewOf(provisioning, record);
    },
    [Symbol.asyncDispose]: async () => dispatcher[Symbol.asyncDispose](),
  };
}

function readingOf({ store, provisioning }: ServicesDeps): Pick<Services, 'list' | 'get'> {
  return {
    list: async () => Promise.all((await store.list()).map(async (record) => viewOf(provisioning, record))),
    get: async (id) => viewOf(provisioning, await require(store, id)),
  };
}

async function require(store: ServiceStore, id: ServiceId): Promise<ServiceRecord> {
  const record = await store.find(id);
  if (!record) throw new AppError('service.unknown', 'There is no such service');
  return record;
}

function idOf({ newMark }: ServicesDeps, { id, manifest = '' }: CreateService): ServiceId {
  if (id !== undefined) return id;
  const name = typeof manifest === 'string' && !isDocument(manifest) ? manifest : '';
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 18)
    .replace(/^-+|-+$/g, '');
  return serviceIdSchema.parse(`${slug === '' ? 'service' : slug}-${newMark()}`);
}

function isDocument(text: string): boolean {
  return text.trimStart().startsWith('<');
}

type Drawn = ServicePlan & { readonly chosen: ServiceRecord['chosen'] };

/** Everything that can be known before anything is made. */
async function drawUp(
  deps: ServicesDeps,
  wanted: CreateService,
  { id, signal }: { readonly id: ServiceId; readonly signal: AbortSignal },
): Promise<Drawn> {
  const { manifests, tenant, provisioning } = deps;
  await requireLife(deps, wanted.agreement);
  const body = await bodyOf(deps, wanted, id);
  const catalog = await provisioning.catalog(wanted.provider, signal);
  const check = checkManifest(body, { manifests, tenant, catalog, name: id });
  const there = check.plan && planAt(check.plan, await capabilitiesOf(deps, wanted.provider));
  const lacking = (there?.faults ?? []).map((message) => ({ pointer: '/provider', message }));
  const faults = [...faultsOf(check), ...lacking];
  const { fit } = check;
  if (faults.length > 0 || !there || !fit)
    throw new AppError('service.unfit', faults.map(({ message }) => message).join('; '), { errors: faults });
  const chosen = fit.flatMap(({ id: machine, image, size }) =>
    image === null || size === null ? [] : [[machine, { image, size }] as const],
  );
  const { plan, leftOut } = there;
  return { plan, fit, leftOut: [...leftOut], chosen: Object.fromEntries(chosen) };
}

async function capabilitiesOf(
  { provisioning }: ServicesDeps,
  provider: ProviderId,
): Promise<readonly string[]> {
  return (await provisioning.providers()).find(({ id }) => id === provider)?.capabilities ?? [];
}

async function bodyOf(
  deps: ServicesDeps,
  { manifest, agreement }: CreateService,
  id: ServiceId,
): Promise<string | Manifest | Readonly<Record<string, unknown>>> {
  const asked = manifest ?? (await describedBy(deps, agreement, id));
  const body = typeof asked === 'string' && !isDocument(asked) ? deps.manifests.get(asked) : asked;
  if (body === undefined) throw new AppError('manifest.unknown', 'There is no such manifest');
  return body;
}

/** The manifest that an agreement describes the service by; of several the one that has the service's name. */
async function describedBy(
  { agreements }: ServicesDeps,
  agreement: string | null,
  id: ServiceId,
): Promise<string> {
  const all = agreement === null ? [] : describedServices((await agreements.get(agreement)).document);
  const named = all.filter(({ serviceName }) => serviceName === id);
  const [only, ...others] = named.length > 0 ? named : all;
  if (only && others.length === 0) return only.manifest;
  const message =
    all.length === 0
      ? 'Neither it nor an agreement names a manifest'
      : 'The agreement describes several services';
  throw new AppError('request.invalid', message, { errors: [{ pointer: '/manifest', message }] });
}

/** What is wrong with it, what is missing for it to be deployed by itself, and what the provider does not have. */
function faultsOf({ problems, lint, fit }: ManifestCheck): { pointer: string; message: string }[] {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const unfit = (fit ?? []).filter(({ reason }) => reason !== '');
  return [
    ...[...errors, ...lint].map(({ pointer, message }) => ({ pointer: `/manifest${pointer}`, message })),
    ...unfit.map(({ id, reason }) => ({ pointer: '/provider', message: `${id}: ${reason}` })),
  ];
}

function recordOf(
  { provider, agreement, readySeconds }: CreateService,
  { plan, chosen, leftOut }: Drawn,
  { id, now, createdBy }: { readonly id: ServiceId; readonly now: number; readonly createdBy: string },
): ServiceRecord {
  return {
    ...{ id, provider, agreement, readySeconds, plan, chosen, createdBy },
    ...{
      createdAt: now,
      since: now,
      state: { kind: 'idle' },
      parts: {},
      guests: {},
      waitsFor: '',
    },
    steps: leftOut.map(({ node, id: resource, kind, reason }) => {
      const text = `${kind} ${resource} is left out: ${reason}`;
      return stepOf(now, { node, text, outcome: 'not-carried-out', durationMs: null });
    }),
  };
}

/** Nothing that somebody else made is ever taken for its own. */
async function refuseForeign({ provisioning }: ServicesDeps, record: ServiceRecord): Promise<void> {
  const own = ownIdsOf(record);
  for (const { wishes } of record.plan.nodes)
    for (const { id } of wishes)
      if (own.has(id) && (await lookAt(provisioning, id))?.isWanted === true)
        throw new AppError('service.conflict', `There is a resource ${id} already`);
}

async function requireLife({ agreements, now }: ServicesDeps, agreement: string | null): Promise<void> {
  if (agreement === null) return;
  const life = lifeOf(await agreements.inForce(agreement), now().getTime());
  if (life === 'not-now')
    throw new AppError('agreement.conflict', 'Nothing starts under an agreement that is not observed');
  if (life === 'over') throw new AppError('agreement.over', 'Nothing starts under an agreement that is over');
}

async function suspension(
  deps: ServicesDeps,
  provider: ProviderId,
): Promise<{ readonly kind: 'suspend'; readonly power: 'off' | 'suspended' }> {
  const capabilities = await capabilitiesOf(deps, provider);
  if (capabilities.includes('machines.suspend')) return { kind: 'suspend', power: 'suspended' };
  if (capabilities.includes('machines.stop')) return { kind: 'suspend', power: 'off' };
  throw new AppError('service.conflict', 'Its provider can neither suspend machines nor switch them off');
}
