import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from 'kysely';
import type {
  AgreementTemplate,
  AssessmentView,
  ChatMessage,
  KeyImage,
  OfferView,
  PutEntity,
  PutPool,
  StudySummary,
  ViewState,
  WarmSource,
} from '@medusa/protocol';
import type { AgreementRecord } from '../agreement/index.ts';
import type { NodeRecord } from '../node/index.ts';
import type { LinkRecord } from '../placement/index.ts';
import type { Mixin } from '../occi/index.ts';
import type { PoolStatus, ProviderRecord, Status, Wish } from '../provision/index.ts';
import type { RecordingRecord } from '../recording/index.ts';
import type { RoomState } from '../room/index.ts';
import type { ServiceRecord } from '../service/index.ts';
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
  node: {
    id: string;
    document: Document<NodeRecord>;
    joined_at: Timestamp | null;
    seen_at: Timestamp | null;
    slots: number | null;
  };
  installation: { only_one: Generated<boolean>; owner: string };
  provider: {
    id: string;
    kind: string;
    title: string;
    settings: Document<Record<string, unknown>>;
    credentials: string | null;
    is_enabled: boolean;
    revision: Generated<number>;
    health: Document<ProviderRecord['health']>;
  };
  pool: {
    id: string;
    wanted: Document<PutPool>;
    is_wanted: Generated<boolean>;
    status: Document<PoolStatus>;
  };
  resource: {
    id: string;
    kind: string;
    provider: string;
    pool: string | null;
    wish: Document<Wish>;
    status: Document<Status>;
    is_wanted: boolean;
    phase: string;
    ref: string | null;
    mentions: string[];
    created_at: Timestamp;
    changed_at: Timestamp;
  };
  provision_intent: {
    id: string;
    resource: string;
    provider: string;
    incarnation: number;
    action: string;
    name: string;
    state: string;
    fault: string | null;
    detail: string | null;
    started_at: Timestamp;
    ended_at: Timestamp | null;
  };
  provision_event: {
    sequence: GeneratedAlways<string>;
    at: Timestamp;
    provider: string | null;
    resource: string | null;
    kind: string;
    outcome: string;
    step: string | null;
    text: string;
    duration_ms: number | null;
  };
  provision_work: {
    topic: string;
    id: string;
    lane: string;
    next_at: Timestamp | null;
    kicks: Generated<string>;
    claimed_by: number | null;
    claim_token: string | null;
    claim_until: Timestamp | null;
  };
  agreement_template: { id: string; document: Document<AgreementTemplate> };
  agreement_offer: { id: string; created_at: Timestamp; document: Document<OfferView> };
  agreement: {
    id: string;
    state: string;
    observed_at: Timestamp | null;
    ended_at: Timestamp | null;
    snapshot: string | null;
    created_at: Timestamp;
    document: Document<AgreementRecord>;
  };
  indicator_event: {
    id: string;
    indicator: string;
    at_ms: ColumnType<string, number, never>;
    value: number;
    service: string;
    item: string;
    conditions: Document<Record<string, number | string>>;
    written_by: GeneratedAlways<string>;
  };
  guarantee_assessment: {
    agreement_id: string;
    guarantee: string;
    window_from: string;
    window_to: string;
    state: string;
    figures: Document<AssessmentView['figures']>;
    event_ids: Document<string[]>;
    revision: number;
  };
  agreement_ledger: {
    sequence: ColumnType<string, number, never>;
    at: string;
    agreement_id: string;
    guarantee: string;
    purpose: string;
    kind: string;
    reverses: ColumnType<string | null, number | null, never>;
    revision: number;
    window_from: string;
    window_to: string;
    debtor: string;
    amount_minor: string;
    currency: string;
    reason: string;
    hash: string;
  };
  agreement_alert: {
    sequence: GeneratedAlways<string>;
    agreement_id: string;
    guarantee: string;
    kind: string;
    window_from: string;
    at: string;
    text: string;
  };
  service: {
    id: string;
    state: string;
    document: Document<ServiceRecord>;
    resources: string[];
    created_at: Timestamp;
    next_at: Timestamp | null;
    revision: Generated<string | number>;
    claimed_by: number | null;
    claim_token: string | null;
    claim_until: Timestamp | null;
  };
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
  link: {
    from_place: string;
    to_place: string;
    measure: string;
    document: Document<LinkRecord>;
    measured_at: Timestamp;
  };
  slot: { node_id: string; ordinal: number; session_id: string | null; claimed_at: Timestamp | null };
  reservation: {
    id: string;
    owner_id: string;
    owner_name: string;
    slots: number;
    starts_at: Timestamp;
    ends_at: Timestamp;
    note: string;
    title: string;
    study_instance_uid: string | null;
    invited: string[];
  };
  pre_warm: {
    subject: string;
    pool: string;
    source: WarmSource;
    studies: string[];
    people: string[];
    chance: number;
    is_extra: boolean;
    decided_at: Timestamp;
    until: Timestamp;
    outcome: string | null;
    settled_at: Timestamp | null;
    session_id: string | null;
  };
  session_grant: { session_id: string; user_id: string };
  key_image: {
    id: string;
    session_id: string;
    study_instance_uid: string;
    at: Timestamp;
    document: Document<KeyImage>;
  };
  recording: { id: string; started_at: Timestamp; document: Document<RecordingRecord> };
  session_view: { session_id: string; incarnation: number; revision: number; document: Document<ViewState> };
  room: { session_id: string; document: Document<RoomState & { chat: readonly ChatMessage[] }> };
  invitation: { code_hash: string; session_id: string; expires_at: Timestamp };
  entity_registry: { revision: ColumnType<string, number, number>; unlisted: string | null };
  entity: { title: string; wish: Document<PutEntity>; changed_at: Timestamp; changed_by: string };
  alarm: {
    id: GeneratedAlways<string>;
    key: string;
    kind: string;
    severity: string;
    subject: string;
    node_id: string | null;
    words: string;
    raised_at: Timestamp;
    cleared_at: Timestamp | null;
  };
  occi_mixin: { id: string; document: Document<Mixin> };
  guest_data: { id: string; sealed: string; at: GeneratedAlways<Date> };
  occi_note: { path: string; title: string | null; summary: string | null; mixins: string[] };
  oidc_payload: {
    model: string;
    id: string;
    payload: Document<Record<string, unknown>>;
    grant_id: string | null;
    uid: string | null;
    expires_at: Timestamp | null;
  };
};
