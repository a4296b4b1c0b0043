import { randomUUID } from 'node:crypto';
import type { ResourceKind } from '@medusa/protocol';
import { isProviderFault, nameOf, ProviderError, type GuestStart } from '../port/index.ts';
import { decide } from './decide.ts';
import type { Call, Decision, Facts, Limits } from './decision.ts';
import { surroundings } from './facts.ts';
import { failureOf, type Failure } from './failure.ts';
import { callThing, createThing, requirePort, toThing, type ImageFile } from './kinds.ts';
import {
  fingerprintOf,
  kindOf,
  type Intent,
  type NewEvent,
  type PoolRecord,
  type ProviderRecord,
  type ResourceRecord,
  type Status,
  type Thing,
} from './model.ts';
import { readTimeoutMs, type OpenDriver, type OpenDrivers } from './open-drivers.ts';
import { eventsOf, nextStatus, sameButSeen } from './status-change.ts';
import type { Claim, Look, ProvisionStore, Settlement, WorkStore } from './store.ts';

/** Tells the nodes' registry of what becomes of their machines. */
export interface NodeBoard {
  /** `lostReason`: the incarnation before is gone for good. */
  show(record: ResourceRecord, lostReason: string | null): void;
}

export type ResourceLoopDeps = {
  readonly store: ProvisionStore;
  readonly work: WorkStore;
  readonly drivers: OpenDrivers;
  readonly owner: string;
  readonly board: NodeBoard;
  /** What starts in the machine. Asked once for each create. */
  readonly guestOf: (record: ResourceRecord, joinSeconds: number) => Promise<GuestStart>;
  readonly imageFile: ImageFile;
  readonly limits: Limits;
  readonly listeningSince: () => number;
  readonly now: () => number;
  readonly random: () => number;
  readonly report: (error: unknown) => void;
};

const callTimeoutMs = 120_000;
const imageTimeoutMs = 45 * 60_000;
const rounds = 10;
const defaultJoinSeconds = 300;

/** One resource: look, decide, write down, call, write down, again; until there is nothing to do now. */
export async function workOnResource(
  deps: ResourceLoopDeps,
  claim: Claim,
  signal: AbortSignal,
): Promise<number | null> {
  let fresh: Thing | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const look = await deps.store.look(claim.id as ResourceRecord['id']);
    if (!look || look.record.status.phase === 'absent') return null;
    const pass = await onePass(deps, { claim, look, record: look.record, fresh, signal });
    if (pass.againMs !== 0) return pass.againMs;
    fresh = pass.fresh;
  }
  return 100;
}

type Pass = { readonly againMs: number | null; readonly fresh?: Thing | undefined };
type PassInput = {
  readonly claim: Claim;
  readonly look: Look;
  /** As looked at, or as it was written since. */
  readonly record: ResourceRecord;
  /** The answer of a create just made: not asked for again. */
  readonly fresh: Thing | undefined;
  readonly signal: AbortSignal;
};

async function onePass(deps: ResourceLoopDeps, input: PassInput): Promise<Pass> {
  const { claim, look, record, fresh, signal } = input;
  const { provider } = look;
  if (!provider.isEnabled) return { againMs: 60_000 };
  let open: OpenDriver;
  let things: readonly Thing[];
  try {
    open = await deps.drivers.open(provider);
    things = fresh ? [fresh] : await observe(open, record, signal);
  } catch (error) {
    signal.throwIfAborted();
    return lookFailed(deps, { claim, record, provider }, asProviderError(error, deps.report));
  }
  const made = decide(record, things, factsOf(deps, look, open));
  return apply(deps, { ...input, open }, made);
}

/** Everything with the resource's tag. What the list does not show is asked for by its id before it is taken for gone. */
async function observe(
  open: OpenDriver,
  record: ResourceRecord,
  signal: AbortSignal,
): Promise<readonly Thing[]> {
  const { ref } = record.status;
  const kind = kindOf(record);
  const listed = await open.list(kind);
  const things = listed.filter((thing) => thing.tag.resource === record.id || thing.ref === ref);
  if (ref === null || things.some((thing) => thing.ref === ref)) return things;
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(readTimeoutMs)]);
  const known = await requirePort(open.driver, kind).get(ref, bounded);
  return known ? [...things, toThing(known)] : things;
}

function factsOf(
  { limits, listeningSince, now }: ResourceLoopDeps,
  { record, pool, related, intents, node }: Look,
  { driver }: OpenDriver,
): Facts {
  const { spec } = record.wish;
  const isNode = spec.kind === 'machine' && spec.role !== 'plain';
  const here = related.filter(({ provider }) => provider === record.provider);
  return {
    ...surroundings(record, here),
    intents,
    now: now(),
    traits: driver.traits,
    machineActions: driver.machines.actions,
    node: isNode ? (node ?? null) : null,
    listeningSince: listeningSince(),
    isBraked: pool?.status.isBraked ?? false,
    limits: pool ? { ...limits, joinMs: pool.wanted.joinSeconds * 1000 } : limits,
  };
}

type ApplyInput = PassInput & { readonly open: OpenDriver };

async function apply(deps: ResourceLoopDeps, input: ApplyInput, made: Decision): Promise<Pass> {
  const { claim, record } = input;
  const status = nextStatus(record, made, deps.now());
  const next: ResourceRecord = { ...record, status };
  const intent = made.call === null ? undefined : intentOf(deps, next, made.call);
  const events = eventsOf(record, status, deps.now());
  const { settle } = made;
  const isNews =
    intent !== undefined || settle.length + events.length > 0 || !sameButSeen(record.status, status);
  if (isNews) {
    const lease = intent && { intent, leaseMs: leaseFor(kindOf(record)) };
    await deps.store.write(claim, { status, events, settle, ...lease });
    deps.board.show(next, lostReason(record, status));
  }
  if (made.call === null || !intent) return { againMs: made.againMs };
  return perform(deps, { ...input, record: next }, { call: made.call, intent });
}

/** The machine of the incarnation before is given up: nothing of it can come back. */
function lostReason(before: ResourceRecord, { incarnation, reason }: Status): string | null {
  const wasMade = before.status.made !== null;
  return wasMade && incarnation > before.status.incarnation ? reason : null;
}

function leaseFor(kind: ResourceKind): number {
  return timeoutFor(kind) + 60_000;
}
const timeoutFor = (kind: ResourceKind): number => (kind === 'image' ? imageTimeoutMs : callTimeoutMs);

function intentOf({ owner, now }: ResourceLoopDeps, record: ResourceRecord, call: Call): Intent {
  const { incarnation } = record.status;
  const repeated = call.action === 'create' ? call.operationId : null;
  return {
    id: repeated ?? randomUUID(),
    resource: record.id,
    provider: record.provider,
    incarnation,
    action: call.action,
    name: nameOf(kindOf(record), { owner, resource: record.id, incarnation }),
    state: 'pending',
    startedAt: now(),
    endedAt: null,
  };
}

/** The call itself, between the two notes of it. */
async function perform(
  deps: ResourceLoopDeps,
  input: ApplyInput,
  { call, intent }: { call: Call; intent: Intent },
): Promise<Pass> {
  const { claim, record, open, signal } = input;
  const kind = kindOf(record);
  const operation = {
    id: intent.id,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutFor(kind))]),
  };
  const startedAt = performance.now();
  const step = (outcome: NewEvent['outcome'], text: string): NewEvent => ({
    provider: record.provider,
    resource: record.id,
    kind: 'step',
    outcome,
    text: `${kind} ${call.action}: ${text}`,
    durationMs: Math.round(performance.now() - startedAt),
    step: `${kind}.${call.action}`,
  });
  try {
    const fresh = await run(deps, { look: input.look, record, open, call, operation, intent });
    const settle: Settlement[] = [
      { id: intent.id, state: 'succeeded', fault: null, detail: fresh?.detail ?? '' },
    ];
    const status = { ...record.status, ...afterSuccess(record, { call, fresh, intent, now: deps.now() }) };
    await deps.store.write(claim, { status, settle, events: [step('ok', fresh?.detail ?? 'accepted')] });
    return { againMs: 0, fresh };
  } catch (error) {
    if (isClaimLost(error)) throw error;
    // Whatever was cut off by our own end may have happened.
    const failed = signal.aborted
      ? new ProviderError('unknown-outcome', 'The broker ended during the call', { cause: error })
      : asProviderError(error, deps.report, true);
    return callFailed(deps, input, { call, intent, failed, event: step });
  }
}

function isClaimLost(error: unknown): boolean {
  return error instanceof Error && error.name === 'ClaimLost';
}

async function run(
  deps: ResourceLoopDeps,
  task: {
    readonly look: Look;
    readonly record: ResourceRecord;
    readonly open: OpenDriver;
    readonly call: Call;
    readonly operation: { readonly id: string; readonly signal: AbortSignal };
    readonly intent: Intent;
  },
): Promise<Thing | undefined> {
  const { look, record, open, call, operation, intent } = task;
  if (call.action !== 'create') {
    await callThing(open.driver, record, { call, operation, owner: deps.owner });
    return undefined;
  }
  const { related, pool } = look;
  return createThing(open.driver, record, {
    refOf: refsOf(related),
    imageRefOf: refsOf(related.filter((one) => kindOf(one) === 'image')),
    tag: { owner: deps.owner, resource: record.id, incarnation: record.status.incarnation },
    name: intent.name,
    operation,
    guest: async () => deps.guestOf(record, pool?.wanted.joinSeconds ?? defaultJoinSeconds),
    imageFile: deps.imageFile,
  });
}

function refsOf(records: readonly ResourceRecord[]): (name: string) => string {
  const refs = new Map<string, string | null>(records.map(({ id, status }) => [id, status.ref]));
  return (name) => (name.startsWith('ref:') ? name.slice(4) : (refs.get(name) ?? name));
}

function afterSuccess(
  record: ResourceRecord,
  { call, fresh, intent, now }: { call: Call; fresh: Thing | undefined; intent: Intent; now: number },
): Partial<Status> {
  const well = { attempts: 0, nextTryAt: null, failedRevision: null, blocked: null };
  if (fresh) {
    const fingerprint = fingerprintOf(record.wish.spec);
    return { ...well, ref: fresh.ref, made: { sentAt: intent.startedAt, acceptedAt: now, fingerprint } };
  }
  if (call.action === 'revert') return { ...well, answered: record.wish.ask?.id ?? null };
  return well;
}

async function callFailed(
  deps: ResourceLoopDeps,
  { claim, look: { pool }, record, signal }: ApplyInput,
  what: {
    readonly call: Call;
    readonly intent: Intent;
    readonly failed: ProviderError;
    readonly event: (outcome: NewEvent['outcome'], text: string) => NewEvent;
  },
): Promise<Pass> {
  const { call, intent, failed, event } = what;
  const isUnknown = failed.fault === 'unknown-outcome';
  const failure = failureOf(record, failed, { call, now: deps.now(), random: deps.random() });
  const state = isUnknown ? 'unknown' : 'failed';
  const settle = [{ id: intent.id, state, fault: failed.fault, detail: failed.message }] as const;
  const elsewhere = failure.isElsewhere && pool ? await moveOn(deps, { record, pool, failed }) : undefined;
  const status = { ...record.status, ...(elsewhere ? elsewhere.patch : failure.patch) };
  const provider = elsewhere ? { provider: elsewhere.provider } : {};
  await deps.store.write(claim, { status, settle, events: [event(state, failed.message)], ...provider });
  deps.board.show({ ...record, status }, null);
  if (isProviderFault(failed, 'auth', 'transient')) await deps.work.kick('provider', [record.provider]);
  signal.throwIfAborted();
  return { againMs: elsewhere ? 0 : failure.againMs };
}

const exclusionMs = 300_000;

/** The next provider of the pool takes it; the one that failed is left alone for a while. */
async function moveOn(
  { store, now }: ResourceLoopDeps,
  { record, pool, failed }: { record: ResourceRecord; pool: PoolRecord; failed: ProviderError },
): Promise<{ provider: ProviderRecord['id']; patch: Partial<Status> } | undefined> {
  const at = now();
  const excluded = { provider: record.provider, until: at + exclusionMs, reason: failed.message };
  await store.setPoolStatus(pool.id, (status) => ({
    ...status,
    excluded: [
      ...status.excluded.filter(({ provider, until }) => provider !== record.provider && until > at),
      excluded,
    ],
  }));
  const others = (await store.pool(pool.id))?.status.excluded ?? [];
  const provider = pool.wanted.providers.find((id) => !others.some((other) => other.provider === id));
  if (provider === undefined) return undefined;
  return {
    provider,
    patch: {
      ...{ attempts: 0, nextTryAt: null, failedRevision: null, blocked: null, phase: 'planned' },
      reason: `${record.provider}: ${failed.message}; tried at ${provider}`,
    },
  };
}

/** Nothing is known, so nothing is changed. One that was never asked for here may be asked for elsewhere. */
async function lookFailed(
  deps: ResourceLoopDeps,
  { claim, record, provider }: { claim: Claim; record: ResourceRecord; provider: ProviderRecord },
  error: ProviderError,
): Promise<Pass> {
  const failure: Failure = failureOf(record, error, { call: null, now: deps.now(), random: deps.random() });
  await deps.work.kick('provider', [provider.id]);
  const elsewhere = await lookElsewhere(deps, record, error);
  if (elsewhere) {
    const status = { ...record.status, ...elsewhere.patch };
    await deps.store.write(claim, { status, provider: elsewhere.provider });
    return { againMs: 0 };
  }
  const { phase, reason } = record.status;
  const isNew = phase === 'planned' || phase === 'creating';
  const patch = isNew ? failure.patch : { ...failure.patch, reason };
  const blocked = error.fault === 'invalid' ? {} : { phase, blocked: null };
  await deps.store.write(claim, { status: { ...record.status, ...patch, ...blocked } });
  return { againMs: Math.max(250, failure.againMs) };
}

const looksBeforeMoving = 3;

async function lookElsewhere(
  deps: ResourceLoopDeps,
  record: ResourceRecord,
  failed: ProviderError,
): Promise<Awaited<ReturnType<typeof moveOn>>> {
  const { status, pool: poolId } = record;
  const isPatient = failed.fault === 'transient' && status.attempts + 1 < looksBeforeMoving;
  if (poolId === null || status.made !== null || isPatient) return undefined;
  // What may have been made here must be found out here.
  if ((await deps.store.openIntents({ resource: record.id })).length > 0) return undefined;
  const pool = await deps.store.pool(poolId);
  return pool && moveOn(deps, { record, pool, failed });
}

function asProviderError(error: unknown, report: (error: unknown) => void, isChange = false): ProviderError {
  if (error instanceof ProviderError) return error;
  const name = error instanceof Error ? error.name : '';
  const isTimeout = name === 'TimeoutError' || name === 'AbortError';
  if (!isTimeout) report(error);
  const message = isTimeout ? 'The provider did not answer in time' : 'The driver failed';
  return new ProviderError(isChange ? 'unknown-outcome' : 'transient', message, { cause: error });
}
