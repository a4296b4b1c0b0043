import {
  accessRecordSchema,
  ackSchema,
  AppError,
  fromProblem,
  nodeHeartbeatSchema,
  nodeRegistrationSchema,
  nodeSessionEventSchema,
  nodeViewToldSchema,
  parseInput,
  quarantineNewsSchema,
  recordingToldSchema,
  rulingSchema,
  storageHeartbeatSchema,
  storageRegistrationSchema,
  studySummarySchema,
  type BrokerToNode,
  type NodeToBroker,
  type NodeWelcome,
  type QuarantineNews,
  type Ruling,
  type StorageWelcome,
  type StudySummary,
} from '@medusa/protocol';
import type { Logger } from 'pino';
import type { DefaultEventsMap, Namespace, Server, Socket } from 'socket.io';
import { z } from 'zod';
import { accessFacts, type AuditTrail } from '../audit/index.ts';
import type { Alarms } from '../alarm/index.ts';
import type { Entities } from '../entity/index.ts';
import type { BrokerKeys, VerifiedNode } from '../identity/index.ts';
import { zoneOf, type NodeLink, type NodeRegistry } from '../node/index.ts';
import { brokerPlace, sitePlace, type LinkBook } from '../placement/index.ts';
import type { Joining } from '../provision/guest/index.ts';
import type { Recordings } from '../recording/index.ts';
import type { Sessions } from '../session/index.ts';
import type { StudyIndex } from '../study/index.ts';
import { answering, type Answering } from './ack.ts';
import { watchRoundTrip } from './round-trip.ts';

type NodeData = { identity: VerifiedNode };
type NodeNamespace = Namespace<NodeToBroker, BrokerToNode, DefaultEventsMap, NodeData>;
type NodeSocket = Socket<NodeToBroker, BrokerToNode, DefaultEventsMap, NodeData>;

type NodeNamespaceDeps = {
  readonly keys: BrokerKeys;
  readonly joining: Pick<Joining, 'admit' | 'events'>;
  readonly nodes: NodeRegistry;
  readonly sessions: Sessions;
  readonly studies: StudyIndex;
  readonly recordings: Pick<Recordings, 'told'>;
  readonly audit: AuditTrail;
  readonly entities: Pick<Entities, 'heard'>;
  readonly alarms: Pick<Alarms, 'heard'>;
  readonly links: LinkBook;
  readonly log: Logger;
};

const authSchema = z.object({ token: z.string().max(4_096) });
const anyAckSchema = ackSchema(z.unknown());

/** Render and storage nodes dial in here; commands to them go the other way over the same link. */
export function serveNodes(io: Server, deps: NodeNamespaceDeps): void {
  const namespace = io.of('/node') as NodeNamespace;
  const refused = (socket: NodeSocket, detail: string): void => {
    const actor = { id: 'node', name: 'node', address: socket.handshake.address };
    const fact = { action: 'access.refused', outcome: 'refused', actor, objectType: 'socket' } as const;
    deps.audit.recordOncePerMinute({ ...fact, objectId: '/node', detail }).catch((error: unknown) => {
      deps.log.error({ err: error }, 'a refusal could not be audited');
    });
  };

  namespace.use((socket, next) => {
    const token = authSchema.safeParse(socket.handshake.auth).data?.token ?? '';
    admit(deps, token).then(
      (identity) => {
        socket.data = { identity };
        next();
      },
      (error: unknown) => {
        refused(socket, 'node token');
        // The peer is told by code that its place was taken, and by nothing more that its token is no good.
        const isReplaced = error instanceof AppError && error.code === 'join.refused';
        const answer = new Error('The node token is not valid');
        next(isReplaced ? Object.assign(answer, { data: { code: error.code } }) : answer);
      },
    );
  });

  // A machine that is being replaced must not act any more, whether or not its end has been seen.
  deps.joining.events.on('invited', ({ nodeId, incarnation }) => {
    for (const socket of namespace.sockets.values())
      if (socket.data.identity.nodeId === nodeId && socket.data.identity.incarnation !== incarnation)
        socket.disconnect(true);
  });

  namespace.on('connection', (socket) => {
    const { identity } = socket.data;
    const link = linkTo(socket);
    const events = answering(socket, deps.log, (name, code) => refused(socket, `${code} ${name}`));
    if (identity.kind === 'render') serveRenderNode(events, { identity, link }, deps);
    else serveStorageNode(events, { identity, link }, deps);
    watchRoundTrip(socket, (rttMs) => {
      const to = placeOf(identity, deps.nodes);
      if (to !== null) deps.links.observe({ from: brokerPlace, to, measure: 'rttMs' }, rttMs);
    });
    socket.on('disconnect', () => deps.nodes.disconnected(identity.nodeId, link));
  });
}

/** Null before the node has registered. */
function placeOf({ nodeId, kind }: VerifiedNode, nodes: NodeRegistry): string | null {
  if (kind === 'storage') return sitePlace(nodeId);
  const node = nodes.view(nodeId);
  return node ? zoneOf(node) : null;
}

async function admit({ keys, joining }: NodeNamespaceDeps, token: string): Promise<VerifiedNode> {
  const node = await keys.verifyNodeToken(token);
  await joining.admit(node);
  return node;
}

type Connected = { readonly identity: VerifiedNode; readonly link: NodeLink };

function serveRenderNode(events: Answering, { identity, link }: Connected, deps: NodeNamespaceDeps): void {
  events.on('node.register', nodeRegistrationSchema, async (registration): Promise<NodeWelcome> => {
    requireSelf(identity, registration.nodeId);
    deps.nodes.register(registration, link);
    return { heartbeatMs: deps.nodes.heartbeatMs };
  });
  events.onTold('node.heartbeat', nodeHeartbeatSchema, (heartbeat) => {
    deps.nodes.heartbeat(identity.nodeId, heartbeat);
  });
  events.onTold('session.view', nodeViewToldSchema, (told) => {
    deps.sessions.viewTold(identity.nodeId, told);
  });
  events.on('recording.told', recordingToldSchema, async (told): Promise<null> => {
    await deps.recordings.told(identity.nodeId, told);
    return null;
  });
  events.on('session.event', nodeSessionEventSchema, async (event): Promise<null> => {
    await deps.sessions.nodeTold(identity.nodeId, event);
    return null;
  });
}

function serveStorageNode(events: Answering, { identity, link }: Connected, deps: NodeNamespaceDeps): void {
  events.on('storage.register', storageRegistrationSchema, async (registration): Promise<StorageWelcome> => {
    requireSelf(identity, registration.nodeId);
    const { nodeId, indexId } = registration;
    const sinceChange = await deps.studies.cursor({ nodeId, indexId });
    deps.nodes.registerStorage(registration, link);
    return { sinceChange };
  });
  events.onTold('storage.heartbeat', storageHeartbeatSchema, (heartbeat) => {
    deps.nodes.storageHeartbeat(identity.nodeId, heartbeat);
    deps.alarms.heard(identity.nodeId, heartbeat);
    deps.entities.heard(identity.nodeId, heartbeat).catch((error: unknown) => {
      deps.log.warn({ err: error, nodeId: identity.nodeId }, 'a storage node was not told of entities');
    });
  });
  events.on('study.changed', z.array(studySummarySchema).max(1_000), async (studies): Promise<null> => {
    const { nodeId } = identity;
    await deps.studies.apply({ nodeId, indexId: deps.nodes.indexId(nodeId) }, studies);
    for (const study of studies) await auditStored(deps.audit, nodeId, study);
    return null;
  });
  events.on('access.noted', z.array(accessRecordSchema).max(1_000), async (records): Promise<null> => {
    const facts = records.flatMap((record) => accessFacts(identity.nodeId, record));
    await Promise.all(facts.map(async (fact) => deps.audit.record(fact)));
    return null;
  });
  events.on('study.ruled', z.array(rulingSchema).max(1_000), async (rulings): Promise<null> => {
    for (const ruling of rulings) {
      if (ruling.kind === 'removed') await deps.studies.remove(ruling.studyInstanceUID, ruling.at);
      await auditRuled(deps.audit, identity.nodeId, ruling);
    }
    return null;
  });
  const newsSchema = z.array(quarantineNewsSchema).max(1_000);
  events.on('object.quarantined', newsSchema, async (news): Promise<null> => {
    for (const one of news) await auditQuarantined(deps.audit, identity.nodeId, one);
    return null;
  });
}

/** The storage node tells each object until it is acknowledged: a line may come twice, and none is missing. */
async function auditQuarantined(audit: AuditTrail, nodeId: string, news: QuarantineNews): Promise<void> {
  const { id, reason, receivedFrom, receivedAt } = news;
  const actor = { id: receivedFrom, name: receivedFrom, address: '' };
  const fact = { action: 'object.quarantined', actor, objectType: 'object', objectId: id } as const;
  await audit.record({ ...fact, detail: `on ${nodeId} at ${receivedAt}: ${reason}` });
}

const ruledActions = { hold: 'study.held', unhold: 'study.unheld', removed: 'study.removed' } as const;

async function auditRuled(audit: AuditTrail, nodeId: string, ruling: Ruling): Promise<void> {
  const { studyInstanceUID: objectId, kind, at, by, reason } = ruling;
  const fact = {
    action: ruledActions[kind],
    actor: { id: by, name: by, address: '' },
    objectType: 'study',
  } as const;
  await audit.record({ ...fact, objectId, detail: `on ${nodeId} at ${at}: ${reason}` });
}

/** Who sent it is as the storage node tells: the AE title of the peer. */
async function auditStored(audit: AuditTrail, nodeId: string, study: StudySummary): Promise<void> {
  const actor = { id: study.receivedFrom, name: study.receivedFrom, address: '' };
  const fact = { action: 'study.stored', actor, objectType: 'study' } as const;
  await audit.recordOncePerMinute({ ...fact, objectId: study.studyInstanceUID, detail: `on ${nodeId}` });
}

function requireSelf(identity: VerifiedNode, nodeId: string): void {
  if (identity.nodeId !== nodeId) throw new AppError('access.refused', 'The token is of another node');
}

function linkTo(socket: NodeSocket): NodeLink {
  return {
    async request(name, payload, signal) {
      const answered = new Promise<unknown>((resolve, reject) => {
        const giveUp = (): void =>
          reject(new AppError('node.unreachable', 'The node did not answer in time'));
        signal.addEventListener('abort', giveUp, { once: true });
        socket.once('disconnect', giveUp);
        (socket.emit as (name: string, ...args: unknown[]) => void)(name, payload, (ack: unknown) => {
          signal.removeEventListener('abort', giveUp);
          socket.off('disconnect', giveUp);
          resolve(ack);
        });
      });
      const ack = parseInput(anyAckSchema, await answered);
      if (!ack.ok) throw fromProblem(ack.problem);
      return ack.value;
    },
    close: () => void socket.disconnect(true),
  };
}
