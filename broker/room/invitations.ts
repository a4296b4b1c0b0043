import { createHash, randomBytes } from 'node:crypto';
import { AppError, type Invitation, type SessionId } from '@medusa/protocol';
import type { AuditActor, AuditTrail } from '../audit/index.ts';
import type { User } from '../identity/index.ts';
import { isLive, type SessionRecord, type Sessions } from '../session/index.ts';

type StoredInvitation = { readonly sessionId: SessionId; readonly expiresAt: Date };

/** Only hashes are kept: who reads the database cannot walk in. */
export interface InvitationStore {
  save(codeHash: string, invitation: StoredInvitation): Promise<void>;
  find(codeHash: string): Promise<StoredInvitation | undefined>;
}

type InvitationDeps = {
  readonly store: InvitationStore;
  readonly sessions: Sessions;
  readonly audit: AuditTrail;
  readonly publicUrl: string;
  readonly now: () => Date;
};

/** A link that lets others into one session, as long as it lives and for a day at most. */
export interface Invitations {
  create(sessionId: SessionId, user: User, actor: AuditActor): Promise<Invitation>;
  accept(code: string, user: User, actor: AuditActor): Promise<SessionRecord>;
}

const lifeMs = 24 * 3_600_000;
const codeBytes = 16;

export function createInvitations({ store, sessions, audit, publicUrl, now }: InvitationDeps): Invitations {
  const hashOf = (code: string): string => createHash('sha256').update(code).digest('hex');
  return {
    async create(sessionId, user, actor) {
      const session = await sessions.getFor(sessionId, user);
      if (session.ownerId !== user.id)
        throw new AppError('access.refused', 'Only the owner of a session invites');
      if (!isLive(session)) throw new AppError('session.closed', 'The session is closed');
      const code = randomBytes(codeBytes).toString('base64url');
      const expiresAt = new Date(now().getTime() + lifeMs);
      await audit.record({ action: 'invitation.created', actor, objectType: 'session', objectId: sessionId });
      await store.save(hashOf(code), { sessionId, expiresAt });
      return { code, url: `${publicUrl}/join/${code}`, expiresAt: expiresAt.toISOString() };
    },
    async accept(code, user, actor) {
      const invitation = await store.find(hashOf(code));
      if (!invitation || invitation.expiresAt <= now())
        throw new AppError('invitation.invalid', 'The invitation is unknown or has expired');
      const session = await sessions.get(invitation.sessionId);
      if (!isLive(session))
        throw new AppError('invitation.invalid', 'The session of the invitation is closed');
      await audit.record({
        action: 'invitation.accepted',
        actor,
        objectType: 'session',
        objectId: session.id,
      });
      await sessions.grant(session.id, user.id);
      return session;
    },
  };
}
