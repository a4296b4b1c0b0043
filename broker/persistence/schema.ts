import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { ChatMessage, StudySummary } from '@medusa/protocol';
import type { NodeRecord } from '../node/index.ts';
import type { RoomState } from '../room/index.ts';
import type { SessionRecord } from '../session/index.ts';

type Timestamp = ColumnType<Date, Date | string, Date | string>;
/** Documents are written as JSON text and come back parsed. */
type Document<Value extends object> = JSONColumnType<Value>;

export type AuditRow = {
  sequence: ColumnType<string, number, never>;
  /** As text, exactly as it was hashed. */
  at: string;
  action: string;
  outcome: string;
  actor_id: string;
  actor_name: string;
  actor_address: string;
  object_type: string;
  object_id: string;
  detail: string;
  hash: string;
};

/** Tables as the migrations leave them. */
export type Database = {
  audit_event: AuditRow;
  login_seen: { login_id: string; seen_at: Generated<Date> };
  study: {
    study_instance_uid: string;
    node_id: string;
    index_id: string;
    search_text: string;
    study_date: string;
    study_time: string;
    modalities: string[];
    last_received_at: Timestamp;
    summary: Document<StudySummary>;
  };
  study_cursor: { node_id: string; index_id: string; change: ColumnType<string, number, number> };
  node: { id: string; document: Document<NodeRecord> };
  desired_node: { id: string };
  node_invitation: { node_id: string; incarnation: number; since: Timestamp };
  join_token: { jti: string; used_at: Timestamp; expires_at: Timestamp };
  session: {
    id: string;
    state: string;
    owner_id: string;
    node_id: string | null;
    study_instance_uid: string;
    created_at: Timestamp;
    document: Document<SessionRecord>;
  };
  session_grant: { session_id: string; user_id: string };
  room: { session_id: string; document: Document<RoomState & { chat: readonly ChatMessage[] }> };
  invitation: { code_hash: string; session_id: string; expires_at: Timestamp };
  oidc_payload: {
    model: string;
    id: string;
    payload: Document<Record<string, unknown>>;
    grant_id: string | null;
    uid: string | null;
    expires_at: Timestamp | null;
  };
};
