import type { TypedEmitter } from '@medusa/kernel';
import type {
  NodeSessionEvent,
  NodeSessionReport,
  ParticipantId,
  SessionId,
  StreamRequest,
  StreamResponse,
  TransferRequest,
  TransferResponse,
  TransferRights,
  ViewState,
} from '@medusa/protocol';
import type { Recordable } from '../recording/index.ts';
import type { FrameStatistics } from './session-statistics.ts';

export type SessionEvents = {
  told: [event: NodeSessionEvent['event']];
  /** What its workstation shows now, and what another one could go on with. */
  view: [view: ViewState];
  /** Everything is torn down. */
  closed: [];
};

export type TransferAsker = { readonly participantId: ParticipantId; readonly rights: TransferRights };

/** What a node runs of a session: all of it, or one of its two parts. */
export interface RunningSession extends Recordable {
  readonly id: SessionId;
  /** Which life of the session this is; each start on a node has a higher number. */
  readonly incarnation: number;
  readonly events: TypedEmitter<SessionEvents>;
  readonly report: NodeSessionReport;
  readonly statistics: FrameStatistics;
  readonly connectedParticipants: number;
  /** Asked to start the same session again, the broker may bring a fresh token. */
  renewStudyToken(studyToken: string): void;
  answer(participantId: ParticipantId, request: StreamRequest): Promise<StreamResponse>;
  /** @throws AppError `transfer.refused`, `transfer.too-large` */
  transfer(asker: TransferAsker, request: TransferRequest): Promise<TransferResponse>;
  removeParticipant(participantId: ParticipantId): void;
  setController(participantId: ParticipantId | null): void;
  /** Idempotent: every caller waits for the one teardown, and the first reason wins. */
  close(reason: string): Promise<void>;
}
