import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** In order of name; a released migration is never changed again. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-first': {
    async up(db: Kysely<unknown>) {
      for (const statement of first) await sql.raw(statement).execute(db);
    },
  },
  '0003-join': {
    async up(db: Kysely<unknown>) {
      for (const statement of join) await sql.raw(statement).execute(db);
    },
  },
};

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

const join = [
  `create table node_invitation (
     node_id text primary key, incarnation integer not null, since timestamptz not null)`,
  `create table join_token (
     jti text primary key, used_at timestamptz not null, expires_at timestamptz not null)`,
  `create index join_token_expiry on join_token (expires_at)`,
];
