import type {
  AdminSnapshot,
  BrokerToClient,
  ClientToBroker,
  ParticipantId,
  SessionId,
} from '@medusa/protocol';
import type { DefaultEventsMap, Namespace, Socket } from 'socket.io';
import type { User } from '../identity/index.ts';
import type { NodeRegistry } from '../node/index.ts';
import type { Provisioning } from '../provision/index.ts';
import type { Rooms, Sitter } from '../room/index.ts';
import type { Sessions } from '../session/index.ts';
import type { StudyIndex } from '../study/index.ts';
import { pausing } from './pausing.ts';
import { gatherProvisionNews } from './provision-news.ts';

type ClientData = { user: User; sitter?: Sitter; lastPointAt?: number };
export type ClientNamespace = Namespace<ClientToBroker, BrokerToClient, DefaultEventsMap, ClientData>;
export type ClientSocket = Socket<ClientToBroker, BrokerToClient, DefaultEventsMap, ClientData>;

/** Names of socket.io rooms: who hears what. */
export const audience = {
  worklist: 'worklist',
  admin: 'admin',
  user: (userId: string): string => `user:${userId}`,
  session: (id: SessionId): string => `session:${id}`,
  seat: (id: ParticipantId): string => `seat:${id}`,
};

type AudienceDeps = {
  readonly sessions: Sessions;
  readonly rooms: Rooms;
  readonly nodes: NodeRegistry;
  readonly studies: StudyIndex;
  readonly provisioning: Pick<Provisioning, 'events'>;
  readonly report: (error: unknown) => void;
};

const adminPauseMs = 500;
/** The more there is to tell, the seldomer it is told. */
const adminPausePerNodeMs = 2;

/** Passes what the features announce to those who may hear it. Dispose to stop. */
export function announce(namespace: ClientNamespace, deps: AudienceDeps): Disposable {
  const { sessions, rooms, nodes, studies, report } = deps;
  const stack = new DisposableStack();
  const tellAdmins = pausing(
    () => adminPauseMs + nodes.views().length * adminPausePerNodeMs,
    () => {
      readSnapshot(deps).then(
        (snapshot) => namespace.to(audience.admin).emit('admin.changed', snapshot),
        report,
      );
    },
  );
  stack.use(tellAdmins);
  stack.use(
    gatherProvisionNews(deps.provisioning.events, (change) =>
      namespace.to(audience.admin).emit('provision.changed', change),
    ),
  );
  stack.use(
    studies.events.on('changed', (changed) => namespace.to(audience.worklist).emit('study.changed', changed)),
  );
  stack.use(
    sessions.events.on('changed', (record) => {
      const owner = audience.user(record.ownerId);
      namespace.to([owner, audience.session(record.id)]).emit('session.changed', sessions.view(record));
      tellAdmins.ask();
    }),
  );
  stack.use(nodes.events.on('changed', () => tellAdmins.ask()));
  stack.use(
    nodes.events.on('linkChanged', (nodeId, isUp) => {
      sessions
        .liveOn(nodeId)
        .then((live) => {
          for (const { id } of live) namespace.to(audience.session(id)).emit('stream.node-link', { isUp });
        })
        .catch(report);
    }),
  );
  stack.use(
    rooms.events.on('changed', (room) =>
      namespace.to(audience.session(room.sessionId)).emit('room.changed', room),
    ),
  );
  stack.use(
    rooms.events.on('chatted', (id, message) =>
      namespace.to(audience.session(id)).emit('room.chatted', message),
    ),
  );
  stack.use(
    rooms.events.on('floorRequested', ({ sessionId, holder, participantId }) => {
      const to = holder === null ? audience.session(sessionId) : audience.seat(holder);
      namespace.to(to).emit('room.floor-requested', { participantId });
    }),
  );
  stack.use(
    rooms.events.on('ended', (sessionId) => {
      for (const socket of namespace.sockets.values())
        if (socket.data.sitter?.sessionId === sessionId) delete socket.data.sitter;
    }),
  );
  return stack;
}

export async function readSnapshot({
  sessions,
  nodes,
}: Pick<AudienceDeps, 'sessions' | 'nodes'>): Promise<AdminSnapshot> {
  return { nodes: nodes.views(), sessions: await sessions.listLive() };
}
