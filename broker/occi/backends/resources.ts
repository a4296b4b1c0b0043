import {
  AppError,
  resourceIdSchema,
  type ResourceId,
  type ResourceKind,
  type ResourceSpec,
  type ResourceView,
} from '@medusa/protocol';
import type { By, Provisioning } from '../../provision/index.ts';
import type { OcciCaller } from '../backend.ts';
import { identifierOf, providerMixin, type Attributes, type OcciValue } from '../model/index.ts';

/** What backends of machines, volumes and networks need. */
export type ResourceDeps = {
  readonly provisioning: Pick<Provisioning, 'resources' | 'resource' | 'create' | 'act'>;
  readonly newId: () => string;
};

/** A resource of one kind. */
export type ViewOf<Kind extends ResourceKind> = ResourceView & {
  readonly spec: Extract<ResourceSpec, { kind: Kind }>;
};

/** As an administrator of providers: machines and what belongs to them. */
export const adminOnly = { read: ['admin'], change: ['admin'] } as const;

function isOf<Kind extends ResourceKind>(view: ResourceView, kind: Kind): view is ViewOf<Kind> {
  return view.spec.kind === kind;
}

/** Those that are wanted: what is about to go is gone for clients of OCCI. */
export async function wantedOf<Kind extends ResourceKind>(
  { provisioning }: Pick<ResourceDeps, 'provisioning'>,
  kind: Kind,
): Promise<readonly ViewOf<Kind>[]> {
  const all = await provisioning.resources({ kind });
  return all.filter((view) => isOf(view, kind)).filter(({ isWanted }) => isWanted);
}

export async function findWanted<Kind extends ResourceKind>(
  { provisioning }: Pick<ResourceDeps, 'provisioning'>,
  kind: Kind,
  id: string,
): Promise<ViewOf<Kind> | undefined> {
  const parsed = resourceIdSchema.safeParse(id);
  if (!parsed.success) return undefined;
  try {
    const view = await provisioning.resource(parsed.data);
    return view.isWanted && isOf(view, kind) ? view : undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === 'resource.unknown') return undefined;
    throw error;
  }
}

/** Throws `request.invalid` for what is no id of a resource. */
export function resourceIdOf(id: string): ResourceId {
  const parsed = resourceIdSchema.safeParse(id);
  if (parsed.success) return parsed.data;
  const message = `An id has at most 32 small letters, digits and hyphens`;
  throw new AppError('request.invalid', message, {
    errors: [{ pointer: '/attributes/occi.core.id', message }],
  });
}

/**
 * Machines that somebody wanted one by one. Those of pools are the pools' to make and to end: they are told as nodes, so that who
 * deletes a whole collection does not delete what sessions run on.
 */
export async function ownMachines(
  deps: Pick<ResourceDeps, 'provisioning'>,
): Promise<readonly ViewOf<'machine'>[]> {
  return (await wantedOf(deps, 'machine')).filter(({ pool }) => pool === null);
}

export async function findOwnMachine(
  deps: Pick<ResourceDeps, 'provisioning'>,
  id: string,
): Promise<ViewOf<'machine'> | undefined> {
  const view = await findWanted(deps, 'machine', id);
  return view?.pool === null ? view : undefined;
}

/** The id in a path of that collection. Throws `request.invalid` for a path elsewhere. */
export function idIn(path: OcciValue | undefined, location: string | null): ResourceId {
  const text = String(path);
  if (location !== null && text.startsWith(location)) return resourceIdOf(text.slice(location.length));
  throw new AppError('request.invalid', `${text.slice(0, 200)} is not in ${String(location)}`);
}

export function byOf({ user }: OcciCaller): By {
  return { actor: user.name };
}

/** Throws `resource.conflict`: attributes that are settled when it is created. */
export function refuseChanges(changes: Attributes): never {
  throw new AppError(
    'resource.conflict',
    `${[...changes.keys()].join(', ')} cannot change: create another one`,
  );
}

/** Which provider it is at. */
export function providerPart({ provider }: Pick<ResourceView, 'provider'>): {
  mixin: string;
  attribute: [string, OcciValue];
} {
  return { mixin: identifierOf(providerMixin), attribute: ['medusa.provider.id', provider] };
}

/** Phase and reason, as the message beside a state. */
export function messageOf({ phase, reason }: ResourceView): string {
  return reason === '' ? phase : `${phase}: ${reason}`;
}

const broken: readonly ResourceView['phase'][] = ['error', 'quarantined', 'held'];
const serving: readonly ResourceView['phase'][] = ['ready', 'degraded', 'draining'];

/** What a client can count on, whatever happens behind it. */
export function conditionOf({ phase }: ResourceView): 'serving' | 'broken' | 'under way' {
  if (broken.includes(phase)) return 'broken';
  return serving.includes(phase) ? 'serving' : 'under way';
}

/** A resource's attributes, without those that are not known. */
export function attributesFrom(
  entries: readonly (readonly [string, OcciValue | null | undefined])[],
): Attributes {
  return new Map(
    entries.filter((one): one is readonly [string, OcciValue] => one[1] !== null && one[1] !== undefined),
  );
}
