import { TypedEmitter } from '@medusa/kernel';
import { AppError, type joinedSchema, type NodeId } from '@medusa/protocol';
import type { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import type { BrokerKeys, VerifiedNode } from '../../identity/index.ts';

/** One machine that is to become a node. */
export type Guest = {
  readonly nodeId: NodeId;
  readonly role: 'render' | 'storage';
  readonly incarnation: number;
};

type Invitation = { readonly incarnation: number; readonly since: Date };

/** What has to outlive the broker for a token to be good once, and for the newest machine only. */
export interface JoinStore {
  /** The incarnation that was invited last, since when. */
  invited(nodeId: NodeId): Promise<Invitation | undefined>;
  /** Inviting the same incarnation again keeps its `since`. */
  invite(nodeId: NodeId, invitation: Invitation): Promise<void>;
  /** True for the first caller with that id, as long as the token can be valid anywhere. */
  use(tokenId: string, expiresAt: Date, now: Date): Promise<boolean>;
}

/** Invitations of machines, and what becomes of them. A machine joins once; only a node's newest machine is admitted. */
export interface Joining {
  readonly events: TypedEmitter<{
    invited: [guest: Guest];
    joined: [guest: Guest];
    /** `guest` is undefined when the token is not one of ours. */
    refused: [guest: Guest | undefined, reason: string];
  }>;
  /** A one-time token for a machine about to be made. From here on the tokens of the node's other incarnations are void. */
  invite(guest: Guest, joinSeconds: number): Promise<string>;
  /** @throws `join.refused` when the token is not valid, was used, or a newer machine was invited. */
  join(joinToken: string, address: string): Promise<z.infer<typeof joinedSchema>>;
  /** @throws `join.refused` when another machine was invited to be this node since the token was made. */
  admit(node: VerifiedNode): Promise<void>;
}

type JoiningDeps = {
  readonly keys: Pick<BrokerKeys, 'mintJoinToken' | 'verifyJoinToken' | 'mintNodeToken'>;
  readonly store: JoinStore;
  readonly audit: Pick<AuditTrail, 'record' | 'recordOncePerMinute'>;
  readonly now: () => Date;
  readonly report: (error: unknown) => void;
};

export function createJoining({ keys, store, audit, now, report }: JoiningDeps): Joining {
  const events: Joining['events'] = new TypedEmitter(report);

  const refuse = async (guest: Guest | undefined, reason: string, address: string): Promise<never> => {
    events.emit('refused', guest, reason);
    await audit.recordOncePerMinute({
      action: 'node.join-refused',
      outcome: 'refused',
      actor: { id: 'node', name: 'node', address },
      objectType: 'node',
      objectId: guest?.nodeId ?? 'unknown',
      detail: reason,
    });
    throw new AppError('join.refused', reason);
  };

  return {
    events,

    async invite(guest, joinSeconds) {
      // Tokens count whole seconds: one of this very second belongs to this invitation.
      const since = new Date(Math.floor(now().getTime() / 1000) * 1000);
      await store.invite(guest.nodeId, { incarnation: guest.incarnation, since });
      events.emit('invited', guest);
      return keys.mintJoinToken(guest, joinSeconds);
    },

    async join(joinToken, address) {
      const claims = await keys.verifyJoinToken(joinToken).catch(() => undefined);
      if (!claims) return refuse(undefined, 'The join token is not valid or has expired', address);
      const { nodeId, role, incarnation } = claims;
      const guest = { nodeId, role, incarnation };
      if (!isNewest(claims, await store.invited(nodeId)))
        return refuse(guest, 'Another machine was invited to be this node', address);
      if (!(await store.use(claims.id, claims.expiresAt, now())))
        return refuse(guest, 'The join token was used already', address);
      await audit.record({
        action: 'node.joined',
        actor: { id: nodeId, name: nodeId, address },
        objectType: 'node',
        objectId: nodeId,
        detail: `incarnation ${incarnation}`,
      });
      const nodeToken = await keys.mintNodeToken({ nodeId, kind: role, incarnation });
      events.emit('joined', guest);
      return { nodeId, nodeToken };
    },

    async admit(node) {
      if (isNewest(node, await store.invited(node.nodeId))) return;
      throw new AppError('join.refused', 'Another machine was invited to be this node');
    },
  };
}

/**
 * A node whose name was given away and taken up again counts its machines from 1 anew: hence the age, besides the number.
 * A node that nobody invited was set up by hand.
 */
function isNewest(
  { incarnation, issuedAt }: { readonly incarnation: number; readonly issuedAt: Date },
  invited: Invitation | undefined,
): boolean {
  return !invited || (incarnation === invited.incarnation && issuedAt >= invited.since);
}
