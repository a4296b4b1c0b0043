import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** In order of name; a released migration is never changed again. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-first': running(() => first),
  '0002-provisioning': running(() => provisioning),
  '0003-join': running(() => join),
  '0004-agreements': running(() => agreements),
  '0005-placement': running(() => placement),
  '0006-occi': running(() => occi),
  '0007-services': running(() => services),
  '0008-changing-rows': running(() => changingRows),
  '0009-guests': running(() => guests),
  '0010-pre-warm': running(() => preWarm),
  '0011-session-view': running(() => sessionView),
  '0012-key-images': running(() => keyImages),
  '0013-study-search': running(() => studySearch),
  '0014-recordings': running(() => recordings),
  '0015-entities': running(() => entities),
};

/** Asked for when it runs: the statements stand below. */
function running(statements: () => readonly string[]): Migration {
  return {
    async up(db: Kysely<unknown>) {
      for (const statement of statements()) await sql.raw(statement).execute(db);
    },
  };
}

const first = [
  `create table audit_event (
     sequence bigint primary key, at text not null, action text not null, outcome text not null,
     actor_id text not null, actor_name text not null, actor_address text not null,
     object_type text not null, object_id text not null, detail text not null, hash text not null unique)`,
  `create index audit_event_actor on audit_event (actor_id, sequence)`,
  `create index audit_event_object on audit_event (object_id, sequence)`,
  // Not even the broker's own account changes what was written.
  `create function refuse_change() returns trigger language plpgsql as
     $$ begin raise exception 'the audit trail is append-only'; end $$`,
  `create trigger audit_event_no_change before update or delete on audit_event
     for each row execute function refuse_change()`,
  `create trigger audit_event_no_truncate before truncate on audit_event
     for each statement execute function refuse_change()`,
  `create table login_seen (login_id text primary key, seen_at timestamptz not null default now())`,
  `create table study (
     study_instance_uid text primary key, node_id text not null, index_id text not null, search_text text not null,
     study_date text not null, study_time text not null, modalities text[] not null,
     last_received_at timestamptz not null, summary jsonb not null)`,
  `create index study_order on study (study_date desc, study_time desc, study_instance_uid)`,
  `create table study_cursor (node_id text not null, index_id text not null, change bigint not null,
     primary key (node_id, index_id))`,
  `create table node (id text primary key, document jsonb not null)`,
  `create table desired_node (id text primary key)`,
  `create table session (
     id text primary key, state text not null, owner_id text not null, node_id text,
     study_instance_uid text not null, created_at timestamptz not null, document jsonb not null)`,
  `create index session_live on session (created_at) where state not in ('closed', 'failed')`,
  `create index session_owner on session (owner_id, created_at)`,
  `create index session_created on session (created_at)`,
  `create table session_grant (
     session_id text not null references session on delete cascade, user_id text not null,
     primary key (session_id, user_id))`,
  `create index session_grant_user on session_grant (user_id)`,
  `create table room (session_id text primary key references session on delete cascade, document jsonb not null)`,
  `create table invitation (
     code_hash text primary key, session_id text not null references session on delete cascade,
     expires_at timestamptz not null)`,
  `create table oidc_payload (
     model text not null, id text not null, payload jsonb not null, grant_id text, uid text, expires_at timestamptz,
     primary key (model, id))`,
  `create index oidc_payload_grant on oidc_payload (grant_id)`,
  `create index oidc_payload_uid on oidc_payload (uid)`,
  `create index oidc_payload_expiry on oidc_payload (expires_at)`,
];

const agreements = [
  `create table agreement_template (id text primary key, document jsonb not null)`,
  `create table agreement_offer (id text primary key, created_at timestamptz not null, document jsonb not null)`,
  // The snapshot tells which events the last evaluation could see.
  `create table agreement (
     id text primary key, state text not null, observed_at timestamptz, ended_at timestamptz, snapshot text,
     created_at timestamptz not null, document jsonb not null)`,
  `create table indicator_event (
     id text primary key, indicator text not null, at_ms bigint not null, value float8 not null, service text not null,
     item text not null, conditions jsonb not null, written_by xid8 not null default pg_current_xact_id())`,
  `create index indicator_event_at on indicator_event (indicator, at_ms)`,
  `create index indicator_event_written on indicator_event (written_by)`,
  `create table guarantee_assessment (
     agreement_id text not null references agreement, guarantee text not null, window_from text not null,
     window_to text not null, state text not null, figures jsonb not null, event_ids jsonb not null, revision int not null,
     primary key (agreement_id, guarantee, window_from, window_to))`,
  `create table agreement_ledger (
     sequence bigint primary key, at text not null, agreement_id text not null, guarantee text not null,
     purpose text not null, kind text not null, reverses bigint, revision int not null, window_from text not null,
     window_to text not null, debtor text not null, amount_minor text not null, currency text not null,
     reason text not null, hash text not null unique,
     unique (agreement_id, guarantee, window_from, window_to, purpose, revision))`,
  `create index agreement_ledger_window on agreement_ledger (agreement_id, window_to)`,
  `create function refuse_ledger_change() returns trigger language plpgsql as
     $$ begin raise exception 'the ledger is append-only'; end $$`,
  `create trigger agreement_ledger_no_change before update or delete on agreement_ledger
     for each row execute function refuse_ledger_change()`,
  `create trigger agreement_ledger_no_truncate before truncate on agreement_ledger
     for each statement execute function refuse_ledger_change()`,
  `create table agreement_alert (
     sequence bigint generated always as identity primary key, agreement_id text not null references agreement,
     guarantee text not null, kind text not null, window_from text not null, at text not null, text text not null,
     unique (agreement_id, guarantee, kind, window_from))`,
];

const join = [
  `create table node_invitation (
     node_id text primary key, incarnation integer not null, since timestamptz not null)`,
  `create table join_token (
     jti text primary key, used_at timestamptz not null, expires_at timestamptz not null)`,
  `create index join_token_expiry on join_token (expires_at)`,
];

const provisioning = [
  `alter table node add column joined_at timestamptz, add column seen_at timestamptz, add column slots int`,
  `create index session_node on session (node_id) where state not in ('closed', 'failed')`,
  // Which render nodes there shall be is the pools' business now.
  `drop table desired_node`,
  `create table installation (only_one boolean primary key default true check (only_one), owner text not null)`,
  `create table provider (
     id text primary key, kind text not null, title text not null, settings jsonb not null, credentials text,
     is_enabled boolean not null, revision int not null default 1, health jsonb not null)`,
  `create table pool (
     id text primary key, wanted jsonb not null, is_wanted boolean not null default true, status jsonb not null)`,
  `create table resource (
     id text primary key, kind text not null, provider text not null references provider, pool text,
     wish jsonb not null, status jsonb not null, is_wanted boolean not null, phase text not null, ref text,
     mentions text[] not null, created_at timestamptz not null, changed_at timestamptz not null)`,
  `create index resource_provider on resource (provider, kind) where phase <> 'absent'`,
  `create index resource_pool on resource (pool) where pool is not null`,
  `create index resource_mentions on resource using gin (mentions)`,
  `create index resource_changed on resource (changed_at) where phase = 'absent'`,
  // Written before the provider is called: after a crash it tells that the call may have been made.
  `create table provision_intent (
     id text primary key, resource text not null, provider text not null, incarnation int not null, action text not null,
     name text not null, state text not null, fault text, detail text, started_at timestamptz not null,
     ended_at timestamptz)`,
  `create index provision_intent_open on provision_intent (resource) where state in ('pending', 'unknown')`,
  `create table provision_event (
     sequence bigint generated always as identity primary key, at timestamptz not null, provider text, resource text,
     kind text not null, outcome text not null, step text, text text not null, duration_ms float8)`,
  `create index provision_event_provider on provision_event (provider, sequence)`,
  `create index provision_event_resource on provision_event (resource, sequence)`,
  `create index provision_event_step on provision_event (provider, step, sequence) where step is not null and outcome = 'ok'`,
  // What is to be looked at, and which broker does: its claim ends with its presence (an advisory lock), or with the lease.
  `create table provision_work (
     topic text not null, id text not null, lane text not null, next_at timestamptz, kicks bigint not null default 0,
     claimed_by int, claim_token bigint, claim_until timestamptz, primary key (topic, id))`,
  `create index provision_work_due on provision_work (next_at) where next_at is not null`,
  `create sequence provision_claim`,
];

const occi = [
  `create table occi_mixin (id text primary key, document jsonb not null)`,
  `create table occi_note (path text primary key, title text, summary text, mixins text[] not null)`,
];

const services = [
  // Claimed as the work of provisioning is; `resources`: everything it names, its own or shared.
  `create table service (
     id text primary key, state text not null, document jsonb not null, resources text[] not null,
     created_at timestamptz not null, next_at timestamptz, revision bigint not null default 0,
     claimed_by int, claim_token bigint, claim_until timestamptz)`,
  `create index service_due on service (next_at) where next_at is not null`,
  `create index service_resources on service using gin (resources)`,
];

const placement = [
  `create table link (
     from_place text not null, to_place text not null, measure text not null, document jsonb not null,
     measured_at timestamptz not null, primary key (from_place, to_place, measure))`,
  `create index link_age on link (measured_at)`,
  // A row a slot, so that two who want the same one meet at its row and nowhere else.
  `create table slot (
     node_id text not null, ordinal int not null, session_id text unique, claimed_at timestamptz,
     primary key (node_id, ordinal))`,
  `create index slot_free on slot (node_id, ordinal) where session_id is null`,
  `create table reservation (
     id text primary key, owner_id text not null, owner_name text not null, slots int not null check (slots > 0),
     starts_at timestamptz not null, ends_at timestamptz not null check (ends_at > starts_at),
     note text not null)`,
  `create index reservation_end on reservation (ends_at)`,
  `update session set document = document || '{"priority": "routine"}' where not document ? 'priority'`,
];

const guests = [
  // What users give their machines at the start may hold secrets.
  `create table guest_data (id text primary key, sealed text not null, at timestamptz not null default now())`,
  `create index study_sender on study ((summary->>'receivedFrom'))`,
];

const changingRows = [
  // Looked up at each look at a resource: what waits to be put into the index would be read through each time.
  `alter index resource_mentions set (fastupdate = off)`,
  `alter index service_resources set (fastupdate = off)`,
  `alter table resource set (fillfactor = 60)`,
  `alter table provision_work set (fillfactor = 60)`,
];

const preWarm = [
  `alter table reservation add column title text not null default '', add column study_instance_uid text,
     add column invited text[] not null default '{}'`,
  // A decision and what became of it. A session settles one at most.
  `create table pre_warm (
     subject text primary key, pool text not null, source text not null, studies text[] not null,
     people text[] not null, chance float8 not null, is_extra boolean not null, decided_at timestamptz not null,
     until timestamptz not null, outcome text, settled_at timestamptz, session_id text unique,
     check ((outcome is null) = (settled_at is null)))`,
  `create index pre_warm_open on pre_warm (pool) where outcome is null`,
  `create index pre_warm_until on pre_warm (until) where source = 'calendar'`,
  `create index pre_warm_settled on pre_warm (settled_at)`,
  `create index study_received on study (last_received_at)`,
];

const sessionView = [
  // What a session shows, as long as it lives. Rewritten once a second while somebody works.
  `create table session_view (
     session_id text primary key references session on delete cascade, incarnation int not null,
     revision bigint not null, document jsonb not null) with (fillfactor = 50)`,
];

const keyImages = [
  // Kept when the session is over, as long as the study is known: what was seen then may be asked for.
  `create table key_image (
     id uuid primary key, session_id text not null, study_instance_uid text not null,
     at timestamptz not null, document jsonb not null)`,
  `create index key_image_study on key_image (study_instance_uid, at)`,
];

/** Parts of words among a million studies by their trigrams. A server without that extension searches as before, more slowly. */
const studySearch = [
  `create index study_modalities on study using gin (modalities) with (fastupdate = off)`,
  `do $$ begin
     create extension if not exists pg_trgm;
     create index study_words on study using gin (search_text gin_trgm_ops) with (fastupdate = off);
   exception when undefined_file or insufficient_privilege or feature_not_supported then
     raise notice 'pg_trgm is not there: %', sqlerrm;
   end $$`,
];

const recordings = [
  // Kept when the film is deleted: who recorded what stays known.
  `create table recording (id uuid primary key, started_at timestamptz not null, document jsonb not null)`,
  `create index recording_started on recording (started_at)`,
];

const entities = [
  `create table entity_registry (revision bigint not null, unlisted text)`,
  `insert into entity_registry values (0, null)`,
  `create table entity (
     title text primary key, wish jsonb not null, changed_at timestamptz not null, changed_by text not null)`,
  // Of one condition there is one row that is open, whichever broker saw it.
  `create table alarm (
     id bigint generated always as identity primary key, key text not null, kind text not null, severity text not null,
     subject text not null, node_id text, words text not null, raised_at timestamptz not null, cleared_at timestamptz)`,
  `create unique index alarm_open on alarm (key) where cleared_at is null`,
  `create index alarm_cleared on alarm (cleared_at)`,
];
