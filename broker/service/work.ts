import type { ResourceId } from '@medusa/protocol';
import type { Provisioning } from '../provision/index.ts';
import { asked, foreignAmong, lookAt, make, refusalOf } from './ask.ts';
import {
  nextToDeploy,
  nextToRelease,
  nextToSuspend,
  stayingOf,
  weaknessOf,
  type NextStep,
  type Views,
} from './next-step.ts';
import { moved, noted } from './progress.ts';
import { wishesOf, withSteps, type ServiceClaim, type ServiceRecord, type ServiceStore } from './record.ts';
import { remarksOnComplexNodes, remarksOnRelease } from './remarks.ts';
import type { ServiceEvent } from './states.ts';

export type WorkDeps = {
  readonly store: ServiceStore;
  readonly provisioning: Pick<Provisioning, 'resource' | 'create' | 'act'>;
  readonly now: () => number;
};

type Held = { readonly claim: ServiceClaim; readonly record: ServiceRecord; readonly views: Views };

const rounds = 20;
const watchMs = 5_000;

/**
 * One service: look, decide, write down, ask, again; until there is nothing to do now. All that a broker knows is in the record, so that
 * another one goes on where a killed one ended. Answers in how many ms to look again; null: when it is changed.
 */
export async function workOnService(
  deps: WorkDeps,
  claim: ServiceClaim,
  signal: AbortSignal,
): Promise<number | null> {
  for (let round = 0; round < rounds; round += 1) {
    signal.throwIfAborted();
    const record = await deps.store.find(claim.id as ServiceRecord['id']);
    if (!record) return null;
    const againMs = await onePass(deps, claim, record);
    if (againMs !== 0) return againMs;
  }
  return 100;
}

async function onePass(deps: WorkDeps, claim: ServiceClaim, before: ServiceRecord): Promise<number | null> {
  const { kind } = before.state;
  if (kind === 'suspended' || kind === 'error' || kind === 'absent') return null;
  const views = await look(deps, before);
  const now = deps.now();
  const isNews = noted(before, views, now) !== before;
  const record = isNews ? await deps.store.write(claim, (latest) => noted(latest, views, now)) : before;
  const held = { claim, record, views };
  if (kind === 'idle') return start(deps, held);
  if (kind === 'running' || kind === 'degraded') return watch(deps, held);
  return perform(deps, held, await decide(deps, held));
}

async function look({ provisioning }: WorkDeps, record: ServiceRecord): Promise<Views> {
  const seen = await Promise.all(wishesOf(record).map(async ({ id }) => lookAt(provisioning, id)));
  return new Map(seen.flatMap((view) => (view ? [[view.id, view]] : [])));
}

async function decide({ store, now }: WorkDeps, { record, views }: Held): Promise<NextStep> {
  const { state } = record;
  if (state.kind === 'releasing') {
    const ids = wishesOf(record).map(({ id }) => id);
    return nextToRelease(record, views, stayingOf(record, await store.usedByOthers(record.id, ids)));
  }
  if (state.kind === 'working' && state.purpose === 'suspend')
    return nextToSuspend(record, views, state.power);
  return nextToDeploy(record, views, now());
}

async function perform(deps: WorkDeps, held: Held, step: NextStep): Promise<number> {
  switch (step.kind) {
    case 'ask':
      return ask(deps, held, step);
    case 'power':
      return act(deps, held, { ids: step.ids, action: { action: 'power', power: step.power } });
    case 'let-go':
      return letGo(deps, held, step.ids);
    case 'wait':
      return wait(deps, held, step.reason);
    case 'fail':
      return happen(deps, held, { kind: 'fail', reason: step.reason });
    case 'done':
      return happen(deps, held, { kind: held.record.state.kind === 'releasing' ? 'vanish' : 'settle' });
  }
}

async function start(deps: WorkDeps, { claim }: Held): Promise<number> {
  const now = deps.now();
  await deps.store.write(claim, (latest) => {
    const next = moved(latest, { kind: 'start' }, now);
    return 'kind' in next ? latest : withSteps(next, remarksOnComplexNodes(next, now));
  });
  return 0;
}

async function watch(deps: WorkDeps, held: Held): Promise<number> {
  const { record, views } = held;
  const reason = weaknessOf(record, views);
  const known = record.state.kind === 'degraded' ? record.state.reason : undefined;
  if (reason === known) return watchMs;
  return happen(deps, held, reason === undefined ? { kind: 'settle' } : { kind: 'weaken', reason });
}

/** An event that does not fit any more, because somebody asked for something else meanwhile, is none. */
async function happen({ store, now }: WorkDeps, { claim, record }: Held, event: ServiceEvent): Promise<0> {
  await store.write(claim, (latest) => {
    if (!isUnchanged(latest, record)) return latest;
    const next = moved(latest, event, now());
    return 'kind' in next ? latest : next;
  });
  return 0;
}

function isUnchanged(latest: ServiceRecord, record: ServiceRecord): boolean {
  return latest.since === record.since && latest.state.kind === record.state.kind;
}

async function ask(deps: WorkDeps, held: Held, step: Extract<NextStep, { kind: 'ask' }>): Promise<number> {
  const { claim, record, views } = held;
  const foreign = foreignAmong(record, step, views);
  if (foreign !== undefined)
    return happen(deps, held, {
      kind: 'fail',
      reason: `${foreign} is there already, and not this service's`,
    });
  const facts = { views, now: deps.now() };
  const written = await deps.store.write(claim, (latest) =>
    isUnchanged(latest, record) ? asked(latest, step, facts) : latest,
  );
  if (!isUnchanged(written, record)) return 0;
  const reason = await make(deps.provisioning, written, { ...step, views });
  return reason === undefined ? 0 : happen(deps, held, { kind: 'fail', reason });
}

type Act = {
  readonly ids: readonly ResourceId[];
  readonly action: Parameters<Provisioning['act']>[1];
};

async function act(deps: WorkDeps, held: Held, { ids, action }: Act): Promise<number> {
  const by = { actor: `service ${held.record.id}` };
  for (const id of ids) {
    const why = await refusalOf(async () => deps.provisioning.act(id, action, by));
    if (why !== undefined) return happen(deps, held, { kind: 'fail', reason: `${id}: ${why}` });
  }
  return 0;
}

async function letGo(
  deps: WorkDeps,
  { claim, record, views }: Held,
  ids: readonly ResourceId[],
): Promise<number> {
  const now = deps.now();
  await deps.store.write(claim, (latest) => leaving(latest, ids, now));
  for (const id of ids) {
    const destroy = async (): Promise<unknown> =>
      deps.provisioning.act(id, { action: 'destroy' }, { actor: `service ${record.id}` });
    const why = await refusalOf(destroy);
    // Something that is not this service's needs it still.
    if (why !== undefined) return wait(deps, { claim, record, views }, `${id}: ${why}`);
  }
  return 0;
}

function leaving(record: ServiceRecord, ids: readonly ResourceId[], now: number): ServiceRecord {
  return ids.reduce((latest, id) => {
    const part = latest.parts[id];
    if (part?.leavingAt !== null) return latest;
    const parts = { ...latest.parts, [id]: { ...part, leavingAt: now } };
    const isMachine = wishesOf(latest).some((wish) => wish.id === id && wish.spec.kind === 'machine');
    return withSteps({ ...latest, parts }, isMachine ? remarksOnRelease(latest, id, now) : []);
  }, record);
}

async function wait({ store, now }: WorkDeps, { claim, record }: Held, reason: string): Promise<number> {
  if (record.waitsFor !== reason)
    await store.write(claim, (latest) =>
      isUnchanged(latest, record) ? { ...latest, waitsFor: reason } : latest,
    );
  return pollMs(now() - record.since);
}

/** Often at first; what takes long is not asked for all the time. */
function pollMs(sinceMs: number): number {
  return Math.min(2_000, Math.max(200, sinceMs / 20));
}
