import {
  AppError,
  nodeEndingCode,
  type NodeId,
  type NodeRegistration,
  type NodeSessionEvent,
  type SessionId,
} from '@medusa/protocol';
import { brokerActor } from '../audit/index.ts';
import type { SlotStore } from '../capacity/index.ts';
import type { Recovery } from './recovery.ts';
import {
  incarnationOf,
  isLive,
  isRecovering,
  nodesOf,
  readerOf,
  type SessionRecord,
} from './session-record.ts';
import type { SessionPlacer } from './session-placer.ts';
import type { SessionStates, SessionStatesDeps } from './session-states.ts';

type NodeSessionsDeps = Pick<SessionStatesDeps, 'store' | 'nodes'> & {
  readonly slots: SlotStore;
  readonly states: SessionStates;
  readonly placer: SessionPlacer;
  readonly recovery: Recovery;
};

/** Makes the sessions follow their nodes: adopted when a node is back, suspended while it is silent, opened elsewhere when it is gone. */
export function followNodes(deps: NodeSessionsDeps): void {
  const { nodes, states, recovery } = deps;
  nodes.events.on('registered', (registration) => states.background(adopt(deps, registration)));
  nodes.events.on('gone', (nodeId, reason) =>
    states.background(giveUp({ states, recovery }, nodeId, reason)),
  );
  nodes.events.on('lost', (nodeId) => states.background(suspendAll(states, nodeId)));
}

/** What a node tells of one of its sessions. Words about sessions of others are refused. */
export async function heedNode(
  { nodes, states, recovery }: Pick<NodeSessionsDeps, 'nodes' | 'states' | 'recovery'>,
  nodeId: NodeId,
  { sessionId, incarnation = 1, event }: NodeSessionEvent,
): Promise<void> {
  const record = await states.get(sessionId);
  if (!nodesOf(record).includes(nodeId) || incarnation !== incarnationOf(record))
    throw new AppError('session.unknown', 'This session is not of this node');
  switch (event.kind) {
    case 'step':
    case 'read':
      await heedMeasured(states, record, event);
      break;
    case 'streaming':
      // Of two parts, the one that shows it knows when there is something to be seen.
      if (nodeId !== readerOf(record)) await states.attempt(sessionId, { kind: 'stream' });
      break;
    case 'failed':
      await failed({ nodes, states, recovery }, record, { ...event, nodeId });
      break;
    case 'closed':
      await closed(states, record, event.reason);
      break;
  }
}

type Measured = Extract<NodeSessionEvent['event'], { kind: 'step' | 'read' }>;

/** The node counts from its command on. */
async function heedMeasured(states: SessionStates, record: SessionRecord, event: Measured): Promise<void> {
  const offset = record.commandAtMs ?? 0;
  if (event.kind === 'step') {
    const step = { step: event.step, startMs: offset + event.startMs, endMs: offset + event.endMs };
    await states.attempt(record.id, { kind: 'step', step });
    return;
  }
  const { atMs, bytes, waitedMs } = event;
  const at = new Date(Date.parse(record.createdAt) + Math.round(offset + atMs));
  states.events.emit('read', record, { at, bytes, waitedMs });
}

/** What ended with its node, or could not be opened anew there, may be opened elsewhere: somebody is in the middle of something. */
async function failed(
  { nodes, states, recovery }: GivingUp & Pick<NodeSessionsDeps, 'nodes'>,
  record: SessionRecord,
  { code, detail, nodeId }: { readonly code: string; readonly detail: string; readonly nodeId: NodeId },
): Promise<void> {
  if (code === nodeEndingCode) nodes.noteEnding(nodeId);
  const isOfItsNode = code === 'node.unreachable' || code === nodeEndingCode;
  if (isRecovering(record) || isOfItsNode) await recovery.lost(record, detail);
  else await states.fail(record.id, code, detail);
}

async function closed(states: SessionStates, record: SessionRecord, reason: string): Promise<void> {
  if (readerOf(record) === null) await states.closed(record.id, reason, brokerActor);
  // The other part is to end too.
  else await states.close(record.id, reason, brokerActor);
}

/** A node is back: its known sessions go on, what we do not know of is stopped, what it lost is opened anew. */
async function adopt(deps: NodeSessionsDeps, registration: NodeRegistration): Promise<void> {
  const { states, placer, recovery } = deps;
  const { nodeId, capabilities } = registration;
  const present = await takeOver(deps, registration);
  for (const record of await states.liveOn(nodeId)) {
    // One that is being placed gets its command in a moment.
    if (record.state === 'provisioning' || present.has(record.id)) continue;
    const reason = 'The render node was restarted and does not run it any more';
    await giveUpOne({ states, recovery }, record, reason);
  }
  await deps.slots.offer({ nodeId, slots: capabilities.slots });
  await placer.place();
}

/** Which of the sessions that the node tells of are to be there. */
async function takeOver(
  { store, states, nodes }: NodeSessionsDeps,
  { nodeId, sessions }: NodeRegistration,
): Promise<ReadonlySet<SessionId>> {
  const present = new Set<SessionId>();
  for (const { sessionId, state, incarnation = 1 } of sessions) {
    const record = await store.find(sessionId);
    if (record && isHere(record, { nodeId, incarnation })) {
      present.add(sessionId);
      if (state === 'streaming') await goOn(states, record);
      continue;
    }
    const isElsewhere = record !== undefined && isLive(record);
    const reason = isElsewhere ? 'It goes on at another node' : 'The broker does not know of this session';
    await nodes.command(nodeId, 'session.stop', { sessionId, reason, incarnation });
  }
  return present;
}

function isHere(
  record: SessionRecord,
  { nodeId, incarnation }: { readonly nodeId: NodeId; readonly incarnation: number },
): boolean {
  return isLive(record) && nodesOf(record).includes(nodeId) && incarnationOf(record) === incarnation;
}

async function goOn(states: SessionStates, record: SessionRecord): Promise<void> {
  if (record.state === 'streaming') states.events.emit('streaming', record);
  else await states.attempt(record.id, { kind: 'stream' });
}

type GivingUp = Pick<NodeSessionsDeps, 'states' | 'recovery'>;

async function giveUp(deps: GivingUp, nodeId: NodeId, reason: string): Promise<void> {
  for (const record of await deps.states.liveOn(nodeId)) await giveUpOne(deps, record, reason);
}

/** What was being closed has nobody who would go on with it. */
async function giveUpOne(
  { states, recovery }: GivingUp,
  record: SessionRecord,
  reason: string,
): Promise<void> {
  if (record.state === 'closing') await states.fail(record.id, 'node.unreachable', reason);
  else await recovery.lost(record, reason);
}

async function suspendAll(states: SessionStates, nodeId: NodeId): Promise<void> {
  for (const { id, state } of await states.liveOn(nodeId))
    if (state === 'streaming') await states.attempt(id, { kind: 'suspend' });
}
