import type { NodeId, SessionId } from '@medusa/protocol';

/** A node on which a session may be, and how many slots it offers now. */
export type Offer = { readonly nodeId: NodeId; readonly slots: number };

/**
 * Who holds which slot, for every broker. A slot is a row that has one holder or none: two sessions never hold the same one, and
 * a session never holds two, whatever the brokers believe. The reading part of a session counts as a session of its own here.
 */
export interface SlotStore {
  /** The node offers so many slots from now on; sessions that it runs already hold theirs. */
  offer(offer: Offer): Promise<void>;
  /** The first free slot of the offers, best first; undefined when none is free, or when the session holds one already. */
  claim(sessionId: SessionId, offers: readonly Offer[], part?: 'reader'): Promise<NodeId | undefined>;
  /** With the slot of its reading part. Of a session that holds none, nothing is changed. */
  release(sessionId: SessionId): Promise<void>;
  /** Frees what is held by sessions that have no business to: a broker ended between claim and release. */
  reclaim(olderThanMs: number): Promise<number>;
  /** Slots that are held, by node. */
  used(): Promise<ReadonlyMap<string, number>>;
}
