import type { z } from 'zod';
import type { AccessRecord } from './access.ts';
import type { revokeCommandSchema, signCommandSchema, SignedCertificate } from './certificate.ts';
import type { echoRequestSchema, EchoResult, ToldRegistry } from './entity.ts';
import type { ParticipantId, SessionId } from './ids.ts';
import type {
  NodeHeartbeat,
  NodeRegistration,
  NodeSessionEvent,
  NodeView,
  NodeViewTold,
  NodeWelcome,
  removeParticipantSchema,
  setControllerSchema,
  StartSession,
  stopSessionSchema,
} from './node.ts';
import type { Ack } from './problem.ts';
import type { ProvisionChange } from './provision.ts';
import type { QuarantineNews } from './quarantine.ts';
import type {
  deleteRecordingSchema,
  readRecordingSchema,
  RecordingChunk,
  RecordingTold,
  StartRecording,
  stopRecordingSchema,
} from './recording.ts';
import type {
  ChatMessage,
  giveFloorSchema,
  joinRoomSchema,
  JoinedRoom,
  Pointed,
  Pointer,
  RoomView,
} from './room.ts';
import type { SessionView } from './session.ts';
import type {
  PathAnswer,
  PathReport,
  RelayedStreamRequest,
  StreamRequest,
  StreamResponse,
} from './stream.ts';
import type { RelayedTransfer, TransferRequest, TransferResponse } from './transfer.ts';
import type { Ruling } from './ruling.ts';
import type { StorageHeartbeat, StorageRegistration, StorageWelcome, StudySummary } from './study.ts';

type Answer<Value> = (ack: Ack<Value>) => void;

/**
 * socket.io namespace `/client`, path `/socket.io`. Handshake `auth: { token }`: an access token of the OIDC issuer.
 * Types only bind our own code: both ends parse what they receive with the schemas.
 */
export type ClientToBroker = {
  'worklist.subscribe': (answer: Answer<readonly StudySummary[]>) => void;
  'admin.subscribe': (answer: Answer<AdminSnapshot>) => void;
  /** Follow one's own session from launch on, before the room is joined. */
  'session.watch': (request: { sessionId: SessionId }, answer: Answer<SessionView>) => void;
  'room.join': (request: z.infer<typeof joinRoomSchema>, answer: Answer<JoinedRoom>) => void;
  'room.leave': (answer: Answer<null>) => void;
  'room.chat': (request: { text: string }, answer: Answer<null>) => void;
  'room.point': (pointer: Pointer) => void;
  'room.request-floor': (answer: Answer<null>) => void;
  'room.give-floor': (request: z.infer<typeof giveFloorSchema>, answer: Answer<null>) => void;
  /** The session's owner may always take the floor; others only when nobody holds it. */
  'room.take-floor': (answer: Answer<null>) => void;
  /** Asks all who are present to have the session recorded; answers are `agree` or `decline`. */
  'room.record': (answer: Answer<null>) => void;
  'room.answer-recording': (request: { agrees: boolean }, answer: Answer<null>) => void;
  /** Anybody may, at any time. */
  'room.stop-recording': (answer: Answer<null>) => void;
  /** Of the room that this socket has joined. */
  'stream.request': (request: StreamRequest, answer: Answer<StreamResponse>) => void;
  /** Text between the display of that room's session and this user's clipboard. */
  'transfer.request': (request: TransferRequest, answer: Answer<TransferResponse>) => void;
  /** Whether media still comes to this viewer, whatever became of the node's link. */
  'stream.path': (report: PathReport, answer: Answer<PathAnswer>) => void;
  /** A fresh access token for the same login, before the old one expires. */
  'identity.renew': (request: { token: string }, answer: Answer<null>) => void;
};

export type BrokerToClient = {
  'study.changed': (studies: readonly StudySummary[]) => void;
  'session.changed': (session: SessionView) => void;
  'room.changed': (room: RoomView) => void;
  'room.chatted': (message: ChatMessage) => void;
  'room.pointed': (pointed: Pointed) => void;
  /** Someone asks the floor holder for the floor. */
  'room.floor-requested': (request: { participantId: ParticipantId }) => void;
  'admin.changed': (snapshot: AdminSnapshot) => void;
  /** To those who subscribed as administrators; at most one a second. */
  'provision.changed': (change: ProvisionChange) => void;
  /** The link to the render node is gone or back; the picture itself may well go on. */
  'stream.node-link': (state: { isUp: boolean }) => void;
};

export type AdminSnapshot = {
  readonly nodes: readonly NodeView[];
  readonly sessions: readonly SessionView[];
};

/** socket.io namespace `/node`. Handshake `auth: { token }`: a node token signed by the broker. */
export type NodeToBroker = {
  'node.register': (registration: NodeRegistration, answer: Answer<NodeWelcome>) => void;
  'node.heartbeat': (heartbeat: NodeHeartbeat) => void;
  'session.event': (event: NodeSessionEvent, answer: Answer<null>) => void;
  /** At most about twice a second of a session, and again after each registration. */
  'session.view': (told: NodeViewTold) => void;
  'storage.register': (registration: StorageRegistration, answer: Answer<StorageWelcome>) => void;
  'storage.heartbeat': (heartbeat: StorageHeartbeat) => void;
  /** In order of `change`; the storage node sends the next batch when this one is acknowledged. */
  'study.changed': (studies: readonly StudySummary[], answer: Answer<null>) => void;
  /** Who queried, retrieved and stored by DICOM; told again until it is acknowledged. */
  'access.noted': (records: readonly AccessRecord[], answer: Answer<null>) => void;
  /** What was decided about studies there; told again until it is acknowledged. */
  'study.ruled': (rulings: readonly Ruling[], answer: Answer<null>) => void;
  'object.quarantined': (news: readonly QuarantineNews[], answer: Answer<null>) => void;
  'recording.told': (told: RecordingTold, answer: Answer<null>) => void;
};

export type BrokerToNode = {
  'registry.take': (registry: ToldRegistry, answer: Answer<null>) => void;
  'entity.echo': (request: z.infer<typeof echoRequestSchema>, answer: Answer<EchoResult>) => void;
  'certificate.sign': (request: z.infer<typeof signCommandSchema>, answer: Answer<SignedCertificate>) => void;
  'certificate.revoke': (request: z.infer<typeof revokeCommandSchema>, answer: Answer<null>) => void;
  'session.start': (request: StartSession, answer: Answer<null>) => void;
  'session.stop': (request: z.infer<typeof stopSessionSchema>, answer: Answer<null>) => void;
  'session.set-controller': (request: z.infer<typeof setControllerSchema>, answer: Answer<null>) => void;
  'session.remove-participant': (
    request: z.infer<typeof removeParticipantSchema>,
    answer: Answer<null>,
  ) => void;
  'stream.request': (request: RelayedStreamRequest, answer: Answer<StreamResponse>) => void;
  'recording.start': (request: StartRecording, answer: Answer<null>) => void;
  'recording.stop': (request: z.infer<typeof stopRecordingSchema>, answer: Answer<null>) => void;
  'recording.read': (request: z.infer<typeof readRecordingSchema>, answer: Answer<RecordingChunk>) => void;
  'recording.delete': (request: z.infer<typeof deleteRecordingSchema>, answer: Answer<null>) => void;
  'transfer.request': (request: RelayedTransfer, answer: Answer<TransferResponse>) => void;
};
