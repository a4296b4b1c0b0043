import { AppError, type ResourceAction, type ResourceSpec } from '@medusa/protocol';
import type { DriverDefinition } from '../port/index.ts';
import { kindOf, mentions, type ProviderRecord, type ResourceRecord, type Wish } from './model.ts';

/** Throws `request.invalid` with the pointers of what does not fit. */
export function refuse(pointer: string, message: string): never {
  throw new AppError('request.invalid', message, { errors: [{ pointer, message }] });
}

export function conflict(message: string): never {
  throw new AppError('resource.conflict', message);
}

/** Settings and credentials as the driver wants them. */
export function checkProvider(
  { settingsSchema, credentialsSchema }: DriverDefinition,
  wanted: { readonly settings: unknown; readonly credentials?: unknown },
): void {
  const faults = [
    ...faultsIn('/settings', settingsSchema.safeParse(wanted.settings)),
    ...(wanted.credentials === undefined
      ? []
      : faultsIn('/credentials', credentialsSchema.safeParse(wanted.credentials))),
  ];
  if (faults.length > 0)
    throw new AppError('request.invalid', 'The settings do not fit the driver', { errors: faults });
}

type Parsed = ReturnType<DriverDefinition['settingsSchema']['safeParse']>;

/** Zod's messages name what was expected, never what was given: credentials do not leak through them. */
function faultsIn(root: string, parsed: Parsed): { pointer: string; message: string }[] {
  if (parsed.success) return [];
  return parsed.error.issues.map(({ path, message }) => ({
    pointer: [root, ...path.map(String)].join('/'),
    message,
  }));
}

const portOfKind = {
  machine: 'machines',
  volume: 'volumes',
  snapshot: 'snapshots',
  network: 'networks',
  address: 'addresses',
  'security-group': 'securityGroups',
  image: 'images',
} as const satisfies Record<ResourceSpec['kind'], string>;

/** Whether the provider can have it, and what it names is there and of the right kind. */
export function checkSpec(
  spec: ResourceSpec,
  provider: ProviderRecord,
  others: readonly ResourceRecord[],
): void {
  const { capabilities, state } = provider.health;
  // One that was never reached is taken at its word later.
  if (state !== 'unknown' && capabilities.length > 0 && !capabilities.includes(portOfKind[spec.kind]))
    refuse('/spec/kind', `${provider.id} has no ${spec.kind}s`);
  const byId = new Map<string, ResourceRecord>(others.map((other) => [other.id, other]));
  for (const [pointer, id, kinds] of references(spec)) {
    const other = byId.get(id);
    if (!other) refuse(pointer, `There is no ${kinds.join(' or ')} ${id}`);
    if (!kinds.includes(kindOf(other))) refuse(pointer, `${id} is a ${kindOf(other)}`);
    if (other.provider !== provider.id) refuse(pointer, `${id} is at ${other.provider}`);
    if (!other.wish.isWanted) refuse(pointer, `${id} is about to go`);
  }
}

type Reference = readonly [pointer: string, id: string, kinds: readonly ResourceSpec['kind'][]];

function references(spec: ResourceSpec): Reference[] {
  switch (spec.kind) {
    case 'machine':
      return [
        ...spec.networks.flatMap((id, index): Reference[] =>
          id.startsWith('ref:') ? [] : [[`/spec/networks/${index}`, id, ['network']]],
        ),
        ...spec.securityGroups.map((id, index): Reference => [
          `/spec/securityGroups/${index}`,
          id,
          ['security-group'],
        ]),
      ];
    case 'volume':
      return [
        ...(spec.attachedTo === null ? [] : [['/spec/attachedTo', spec.attachedTo, ['machine']] as const]),
        ...(spec.source.kind === 'blank'
          ? []
          : [['/spec/source/resource', spec.source.resource, [spec.source.kind]] as const]),
      ];
    case 'snapshot':
      return [['/spec/volume', spec.volume, ['volume']]];
    case 'address':
      return [
        ...(spec.assignedTo === null ? [] : [['/spec/assignedTo', spec.assignedTo, ['machine']] as const]),
        ...spec.failover.map((id, index): Reference => [`/spec/failover/${index}`, id, ['machine']]),
      ];
    case 'network':
    case 'security-group':
    case 'image':
      return [];
  }
}

/** The wish after an action. Throws where the present state or the provider does not allow it. */
export function wishAfter(
  record: ResourceRecord,
  action: ResourceAction,
  context: {
    readonly others: readonly ResourceRecord[];
    readonly capabilities: readonly string[];
    readonly askId: string;
  },
): Wish {
  const { wish, status } = record;
  const { spec } = wish;
  switch (action.action) {
    case 'drain':
    case 'undrain':
      requireMachine(record);
      return { ...wish, isDraining: action.action === 'drain' };
    case 'replace':
    case 'restart':
      requireMachine(record);
      return ask(record, { id: context.askId, action: action.action, resource: null });
    case 'destroy': {
      const user = context.others.find(
        (other) =>
          other.wish.isWanted && kindOf(other) !== 'address' && mentions(other.wish.spec).includes(record.id),
      );
      if (user && kindOf(record) !== 'machine') conflict(`${user.id} needs it`);
      return { ...wish, isWanted: false };
    }
    case 'release':
      if (status.phase !== 'held') conflict('It is not held');
      return { ...wish, isReleased: true };
    case 'keep':
      if (status.phase !== 'held') conflict('It is not held');
      return { ...wish, isWanted: true, isReleased: false };
    case 'retry':
      return wish;
    case 'power': {
      if (spec.kind !== 'machine') return refuse('/action', 'Only machines are switched');
      const needed = action.power === 'suspended' ? 'machines.suspend' : 'machines.stop';
      if (action.power !== 'on' && !context.capabilities.includes(needed))
        conflict(`The provider cannot do that`);
      return { ...wish, spec: { ...spec, power: action.power } };
    }
    case 'attach':
    case 'detach':
      if (spec.kind !== 'volume') return refuse('/action', 'Only volumes are attached');
      if (action.action === 'attach') requireMachineNamed(action.machine, context.others);
      return { ...wish, spec: { ...spec, attachedTo: action.action === 'attach' ? action.machine : null } };
    case 'assign':
    case 'unassign':
      if (spec.kind !== 'address') return refuse('/action', 'Only addresses are assigned');
      if (action.action === 'assign') requireMachineNamed(action.machine, context.others);
      return { ...wish, spec: { ...spec, ...assignment(spec, action) } };
    case 'revert': {
      if (spec.kind !== 'volume') return refuse('/action', 'Only volumes are put back to a snapshot');
      if (!context.capabilities.includes('volumes.revert')) conflict('The provider cannot do that');
      const snapshot = context.others.find(({ id }) => id === action.snapshot)?.wish.spec;
      if (snapshot?.kind !== 'snapshot' || snapshot.volume !== record.id)
        return refuse('/snapshot', `${action.snapshot} is no snapshot of this volume`);
      return ask(record, { id: context.askId, action: 'revert', resource: action.snapshot });
    }
  }
}

type AddressSpec = Extract<ResourceSpec, { kind: 'address' }>;

/** Unassigned: nobody takes it over either. */
function assignment(
  spec: AddressSpec,
  action: Extract<ResourceAction, { action: 'assign' | 'unassign' }>,
): Pick<AddressSpec, 'assignedTo' | 'failover'> {
  if (action.action === 'unassign') return { assignedTo: null, failover: [] };
  const { machine } = action;
  return { assignedTo: machine, failover: spec.failover.filter((id) => id !== machine) };
}

function ask({ wish, status }: ResourceRecord, asked: NonNullable<Wish['ask']>): Wish {
  if (wish.ask !== null && wish.ask.id !== status.answered) conflict(`To ${wish.ask.action} it is under way`);
  if (!wish.isWanted) conflict('It is about to go');
  return { ...wish, ask: asked };
}

function requireMachine(record: ResourceRecord): void {
  if (kindOf(record) !== 'machine') refuse('/action', 'Only for machines');
}

function requireMachineNamed(id: string, others: readonly ResourceRecord[]): void {
  const machine = others.find((other) => other.id === id);
  if (!machine || kindOf(machine) !== 'machine') refuse('/machine', `There is no machine ${id}`);
}
