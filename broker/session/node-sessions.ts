import { AppError, type NodeId, type NodeRegistration, type NodeSessionEvent } from '@medusa/protocol';
import { brokerActor } from '../audit/index.ts';
import type { SlotStore } from '../capacity/index.ts';
import { isLive, nodesOf, readerOf, type SessionRecord } from './session-record.ts';
import type { SessionPlacer } from './session-placer.ts';
import type { SessionStates, SessionStatesDeps } from './session-states.ts';

type NodeSessionsDeps = Pick<SessionStatesDeps, 'store' | 'nodes'> & {
  readonly slots: SlotStore;
  readonly states: SessionStates;
  readonly placer: SessionPlacer;
};

/** Makes the sessions follow their nodes: adopted when a node is back, suspended while it is silent, failed when it is gone. */
export function followNodes(deps: NodeSessionsDeps): void {
  const { nodes, states } = deps;
  nodes.events.on('registered', (registration) => states.background(adopt(deps, registration)));
  nodes.events.on('gone', (nodeId, reason) => states.background(failAll(states, nodeId, reason)));
  nodes.events.on('lost', (nodeId) => states.background(suspendAll(states, nodeId)));
}

/** What a node tells of one of its sessions. Words about sessions of others are refused. */
export async function heedNode(
  states: SessionStates,
  nodeId: NodeId,
  { sessionId, event }: NodeSessionEvent,
): Promise<void> {
  const record = await states.get(sessionId);
  if (!nodesOf(record).includes(nodeId))
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
      await states.fail(sessionId, event.code, event.detail);
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

async function closed(states: SessionStates, record: SessionRecord, reason: string): Promise<void> {
  if (readerOf(record) === null) await states.closed(record.id, reason, brokerActor);
  // The other part is to end too.
  else await states.close(record.id, reason, brokerActor);
}

/** A node is back: its known sessions go on, what we do not know of is stopped, what it lost has failed. */
async function adopt(
  deps: NodeSessionsDeps,
  { nodeId, sessions, capabilities }: NodeRegistration,
): Promise<void> {
  const { store, states, placer } = deps;
  for (const { sessionId, state } of sessions) {
    const record = await store.find(sessionId);
    if (record && isLive(record) && nodesOf(record).includes(nodeId)) {
      if (state === 'streaming') await goOn(states, record);
      continue;
    }
    const reason = 'The broker does not know of this session';
    await deps.nodes.command(nodeId, 'session.stop', { sessionId, reason });
  }
  const reported = new Set(sessions.map(({ sessionId }) => sessionId));
  for (const { id, state } of await states.liveOn(nodeId)) {
    // One that is being placed gets its command in a moment.
    if (state !== 'provisioning' && !reported.has(id))
      await states.fail(id, 'node.unreachable', 'The render node was restarted and does not run it any more');
  }
  await deps.slots.offer({ nodeId, slots: capabilities.slots });
  await placer.place();
}

async function goOn(states: SessionStates, record: SessionRecord): Promise<void> {
  if (record.state === 'streaming') states.events.emit('streaming', record);
  else await states.attempt(record.id, { kind: 'stream' });
}

async function failAll(states: SessionStates, nodeId: NodeId, reason: string): Promise<void> {
  for (const { id } of await states.liveOn(nodeId)) await states.fail(id, 'node.unreachable', reason);
}

async function suspendAll(states: SessionStates, nodeId: NodeId): Promise<void> {
  for (const { id, state } of await states.liveOn(nodeId))
    if (state === 'streaming') await states.attempt(id, { kind: 'suspend' });
}
