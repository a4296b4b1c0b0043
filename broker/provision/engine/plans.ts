import type { ProvisionPlan, PutPool, ResourceAction } from '@medusa/protocol';
import type { CreateResource } from '../provisioning.ts';
import { byKind, fingerprintOf, kindOf, type PoolRecord, type ResourceRecord } from './model.ts';

type Typical = ReadonlyMap<string, number>;
type Step = ProvisionPlan['steps'][number];

/** What would be done, in words and in order. Nothing is. */
export function planForCreate({ id, provider, spec }: CreateResource, typical: Typical): ProvisionPlan {
  return { steps: createSteps({ id, provider, spec }, typical), warnings: [] };
}

function createSteps({ id, provider, spec }: CreateResource, typical: Typical): Step[] {
  const step = (action: string, note: string): Step => ({
    ...{ action, kind: spec.kind, provider, name: id, note },
    typicalSeconds: typical.get(`${provider} ${spec.kind}.${action}`) ?? null,
  });
  const usable = step('ready', 'Until it can be used');
  return byKind<Step[]>(
    {
      machine: ({ image, size, role }) => [
        step('create', `${image}, ${size}`),
        step('boot', 'Until the provider says that it runs'),
        ...(role === 'plain' ? [] : [step('join', 'Until its node has registered')]),
      ],
      volume: ({ sizeGiB, attachedTo }) => [
        step('create', `${sizeGiB} GiB`),
        usable,
        ...(attachedTo === null ? [] : [step('attach', `To ${attachedTo}`)]),
      ],
      address: ({ from, assignedTo }) => [
        step('create', from ?? ''),
        ...(assignedTo === null ? [] : [step('assign', `To ${assignedTo}`)]),
      ],
      snapshot: ({ volume }) => [step('create', `Of ${volume}`), usable],
      network: () => [step('create', ''), usable],
      'security-group': () => [step('create', ''), usable],
      image: () => [step('create', ''), usable],
    },
    spec,
  );
}

export function planForAction(
  record: ResourceRecord,
  action: ResourceAction,
  { typical, liveSessions }: { typical: Typical; liveSessions: number },
): ProvisionPlan {
  const { id, provider, wish } = record;
  const { spec } = wish;
  const kind = kindOf(record);
  const step = (name: string, note = ''): Step => ({
    ...{ action: name, kind, provider, name: id, note },
    typicalSeconds: typical.get(`${provider} ${kind}.${name}`) ?? null,
  });
  const isNode = spec.kind === 'machine' && spec.role !== 'plain';
  const drain = isNode ? [step('drain', drainNote(liveSessions))] : [];
  const holdsData = spec.kind === 'snapshot' || (spec.kind === 'volume' && spec.holdsPatientData);
  const plans: Partial<Record<ResourceAction['action'], ProvisionPlan>> = {
    destroy: holdsData
      ? { steps: [step('hold', 'Kept until a person lets it go')], warnings: ['It may hold patient data'] }
      : { steps: [...drain, step('destroy')], warnings: [] },
    replace: {
      steps: [...drain, step('destroy'), ...createSteps({ id, provider, spec }, typical)],
      warnings: [],
    },
    release: { steps: [step('destroy')], warnings: ['What it holds is gone for good'] },
    revert: {
      steps: [step('detach'), step('revert'), step('attach')],
      warnings: ['What was written since the snapshot is gone for good'],
    },
    restart: { steps: [...drain, step('restart')], warnings: [] },
    power: { steps: [...(isSwitchedOn(action) ? [] : drain), step('power')], warnings: [] },
  };
  return plans[action.action] ?? { steps: [step(action.action)], warnings: [] };
}

const isSwitchedOn = (action: ResourceAction): boolean => action.action === 'power' && action.power === 'on';

const drainNote = (live: number): string =>
  live === 0 ? 'It has no session' : `Waits for ${live} ${live === 1 ? 'session' : 'sessions'} to end`;

export function planForPool(
  id: string,
  wanted: PutPool,
  context: {
    readonly pool: PoolRecord | undefined;
    readonly rows: readonly ResourceRecord[];
    readonly target: number;
    readonly typical: Typical;
  },
): ProvisionPlan {
  const { pool, rows, target, typical } = context;
  const [provider] = wanted.providers;
  if (provider === undefined) return { steps: [], warnings: [] };
  const active = rows.filter(({ wish }) => wish.isWanted);
  const isOutdated = ({ status }: ResourceRecord): boolean =>
    status.made !== null && status.made.fingerprint !== fingerprintOf(wanted.machine);
  const outdated = active.filter(isOutdated);
  const missing = Math.max(0, target - active.length);
  const surplus = Math.max(0, active.length - target);
  const add: Step = {
    ...{
      action: 'create',
      kind: 'machine',
      provider,
      name: `${id}-…`,
      note: `${wanted.machine.image}, ${wanted.machine.size}`,
    },
    typicalSeconds: typical.get(`${provider} machine.create`) ?? null,
  };
  const renew = outdated.slice(0, Math.max(0, outdated.length - surplus));
  const goes = (record: ResourceRecord, note: string): Step => ({
    ...{ action: 'drain and destroy', kind: 'machine', provider: record.provider, name: record.id, note },
    typicalSeconds: typical.get(`${record.provider} machine.gone`) ?? null,
  });
  const steps = [
    ...Array.from({ length: missing }, () => add),
    ...renew.flatMap((record) => [
      add,
      goes(record, 'When its successor is ready and its sessions have ended'),
    ]),
    ...active.slice(active.length - surplus).map((record) => goes(record, 'Not needed any more')),
  ];
  const warnings = pool?.status.isBraked
    ? ['Repairs of this pool have stopped: too much of it is unwell']
    : [];
  return { steps, warnings };
}
