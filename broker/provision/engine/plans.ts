import type { ProvisionPlan, PutPool, ResourceAction } from '@medusa/protocol';
import type { CreateResource } from '../provisioning.ts';
import { fingerprintOf, kindOf, type PoolRecord, type ResourceRecord } from './model.ts';

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
  switch (spec.kind) {
    case 'machine':
      return [
        step('create', `${spec.image}, ${spec.size}`),
        step('boot', 'Until the provider says that it runs'),
        ...(spec.role === 'plain' ? [] : [step('join', 'Until its node has registered')]),
      ];
    case 'volume':
      return [
        step('create', `${spec.sizeGiB} GiB`),
        step('ready', 'Until it can be used'),
        ...(spec.attachedTo === null ? [] : [step('attach', `To ${spec.attachedTo}`)]),
      ];
    case 'address':
      return [
        step('create', spec.from ?? ''),
        ...(spec.assignedTo === null ? [] : [step('assign', `To ${spec.assignedTo}`)]),
      ];
    case 'snapshot':
      return [step('create', `Of ${spec.volume}`), step('ready', 'Until it can be used')];
    case 'network':
    case 'security-group':
    case 'image':
      return [step('create', ''), step('ready', 'Until it can be used')];
  }
}

export function planForAction(
  record: ResourceRecord,
  action: ResourceAction,
  { typical, liveSessions }: { typical: Typical; liveSessions: number },
): ProvisionPlan {
  const { id, provider, wish } = record;
  const kind = kindOf(record);
  const step = (name: string, note: string): Step => ({
    ...{ action: name, kind, provider, name: id, note },
    typicalSeconds: typical.get(`${provider} ${kind}.${name}`) ?? null,
  });
  const isNode = wish.spec.kind === 'machine' && wish.spec.role !== 'plain';
  const drain = isNode ? [step('drain', drainNote(liveSessions))] : [];
  const destroy = step('destroy', '');
  const again = createSteps({ id, provider, spec: wish.spec }, typical);
  const holdsData =
    wish.spec.kind === 'snapshot' || (wish.spec.kind === 'volume' && wish.spec.holdsPatientData);
  switch (action.action) {
    case 'destroy':
      if (holdsData)
        return {
          steps: [step('hold', 'Kept until a person lets it go')],
          warnings: ['It may hold patient data'],
        };
      return { steps: [...drain, destroy], warnings: [] };
    case 'replace':
      return { steps: [...drain, destroy, ...again], warnings: [] };
    case 'release':
      return { steps: [destroy], warnings: ['What it holds is gone for good'] };
    case 'revert':
      return {
        steps: [step('detach', ''), step('revert', `To ${action.snapshot}`), step('attach', '')],
        warnings: ['What was written since the snapshot is gone for good'],
      };
    case 'restart':
      return { steps: [...drain, step('restart', '')], warnings: [] };
    case 'power':
      return {
        steps: [...(action.power === 'on' ? [] : drain), step(`power ${action.power}`, '')],
        warnings: [],
      };
    case 'drain':
    case 'undrain':
    case 'keep':
    case 'retry':
    case 'attach':
    case 'detach':
    case 'assign':
    case 'unassign':
      return { steps: [step(action.action, '')], warnings: [] };
  }
}

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
