import { AppError, type ResourceAction, type ResourceSpec } from '@medusa/protocol';
import type { DriverDefinition } from '../port/index.ts';
import { portName } from './kinds.ts';
import { byKind, kindOf, mentions, type ProviderRecord, type ResourceRecord, type Wish } from './model.ts';

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

/** Whether the provider can have it, and what it names is there and of the right kind. */
export function checkSpec(
  spec: ResourceSpec,
  provider: ProviderRecord,
  others: readonly ResourceRecord[],
): void {
  const { capabilities, state } = provider.health;
  // One that was never reached is taken at its word later.
  const isWithout = (capability: string): boolean =>
    state !== 'unknown' && capabilities.length > 0 && !capabilities.includes(capability);
  if (isWithout(portName[spec.kind])) refuse('/spec/kind', `${provider.id} has no ${spec.kind}s`);
  if (spec.kind === 'machine' && spec.publicKey !== undefined && isWithout('keys'))
    refuse('/spec/publicKey', `${provider.id} takes no SSH keys`);
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

const machineAt = (pointer: string, id: string | null): Reference[] =>
  id === null ? [] : [[pointer, id, ['machine']]];

function references(spec: ResourceSpec): Reference[] {
  return byKind<Reference[]>(
    {
      machine: ({ networks, securityGroups }) => [
        ...networks.flatMap((id, index): Reference[] =>
          id.startsWith('ref:') ? [] : [[`/spec/networks/${index}`, id, ['network']]],
        ),
        ...securityGroups.map((id, index): Reference => [
          `/spec/securityGroups/${index}`,
          id,
          ['security-group'],
        ]),
      ],
      volume: ({ attachedTo, source }) => [
        ...machineAt('/spec/attachedTo', attachedTo),
        ...(source.kind === 'blank'
          ? []
          : [['/spec/source/resource', source.resource, [source.kind]] satisfies Reference]),
      ],
      snapshot: ({ volume }) => [['/spec/volume', volume, ['volume']]],
      address: ({ assignedTo, failover }) => [
        ...machineAt('/spec/assignedTo', assignedTo),
        ...failover.flatMap((id, index) => machineAt(`/spec/failover/${index}`, id)),
      ],
      network: () => [],
      'security-group': () => [],
      image: () => [],
    },
    spec,
  );
}

type ActionContext = {
  readonly others: readonly ResourceRecord[];
  readonly capabilities: readonly string[];
  readonly askId: string;
};
type Rule<Name extends ResourceAction['action']> = (
  record: ResourceRecord,
  action: Extract<ResourceAction, { action: Name }>,
  context: ActionContext,
) => Wish;

type Simple = 'drain' | 'undrain' | 'replace' | 'restart';
const simple = <Name extends Simple>(action: Name): Rule<Name> => {
  const isAsk = action === 'replace' || action === 'restart';
  return (record, _action, { askId }) => {
    requireMachine(record);
    return isAsk
      ? ask(record, { id: askId, action, resource: null })
      : { ...record.wish, isDraining: action === 'drain' };
  };
};

const rules: { readonly [Name in ResourceAction['action']]: Rule<Name> } = {
  drain: simple('drain'),
  undrain: simple('undrain'),
  replace: simple('replace'),
  restart: simple('restart'),
  retry: ({ wish }) => wish,
  destroy: (record, _action, { others }) => {
    const user = kindOf(record) === 'machine' ? undefined : others.find((other) => needs(other, record));
    if (user) conflict(`${user.id} needs it`);
    return { ...record.wish, isWanted: false };
  },
  release: (record) => {
    requireHeld(record);
    return { ...record.wish, isReleased: true };
  },
  keep: (record) => {
    requireHeld(record);
    return { ...record.wish, isWanted: true, isReleased: false };
  },
  power: ({ wish }, { power }, { capabilities }) => {
    const { spec } = wish;
    if (spec.kind !== 'machine') return refuse('/action', 'Only machines are switched');
    const needed = power === 'suspended' ? 'machines.suspend' : 'machines.stop';
    if (power !== 'on' && !capabilities.includes(needed)) conflict('The provider cannot do that');
    return { ...wish, spec: { ...spec, power } };
  },
  attach: ({ wish }, { machine }, { others }) => {
    requireMachineNamed(machine, others);
    return attached(wish, machine);
  },
  detach: ({ wish }) => attached(wish, null),
  assign: ({ wish }, { machine }, { others }) => {
    requireMachineNamed(machine, others);
    return assigned(wish, machine);
  },
  unassign: ({ wish }) => assigned(wish, null),
  revert: (record, action, { others, capabilities, askId }) => {
    if (kindOf(record) !== 'volume') return refuse('/action', 'Only volumes are put back to a snapshot');
    if (!capabilities.includes('volumes.revert')) conflict('The provider cannot do that');
    const snapshot = others.find(({ id }) => id === action.snapshot)?.wish.spec;
    if (snapshot?.kind !== 'snapshot' || snapshot.volume !== record.id)
      return refuse('/snapshot', `${action.snapshot} is no snapshot of this volume`);
    return ask(record, { id: askId, action: 'revert', resource: action.snapshot });
  },
};

/** The wish after an action. Throws where the present state or the provider does not allow it. */
export function wishAfter(record: ResourceRecord, action: ResourceAction, context: ActionContext): Wish {
  const rule = rules[action.action] as (
    record: ResourceRecord,
    action: ResourceAction,
    context: ActionContext,
  ) => Wish;
  return rule(record, action, context);
}

/** An address lets go of a machine by itself. */
function needs(other: ResourceRecord, record: ResourceRecord): boolean {
  const { spec, isWanted } = other.wish;
  return isWanted && spec.kind !== 'address' && mentions(spec).includes(record.id);
}

function attached(wish: Wish, machine: ResourceRecord['id'] | null): Wish {
  if (wish.spec.kind !== 'volume') return refuse('/action', 'Only volumes are attached');
  return { ...wish, spec: { ...wish.spec, attachedTo: machine } };
}

/** Unassigned: nobody takes it over either. */
function assigned(wish: Wish, machine: ResourceRecord['id'] | null): Wish {
  const { spec } = wish;
  if (spec.kind !== 'address') return refuse('/action', 'Only addresses are assigned');
  const failover = machine === null ? [] : spec.failover.filter((id) => id !== machine);
  return { ...wish, spec: { ...spec, assignedTo: machine, failover } };
}

function requireHeld({ status }: ResourceRecord): void {
  if (status.phase !== 'held') conflict('It is not held');
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
