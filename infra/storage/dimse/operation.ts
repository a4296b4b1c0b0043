import type { Permission } from '../entities/registry.ts';
import type { Command, CommandElements } from './command.ts';
import type { MessageExchange, OutgoingDataSet } from './exchange.ts';

export type AcceptedContext = {
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntax: string;
  /** The peer takes objects over this context; otherwise it sends them. */
  readonly isReceiver: boolean;
};

/** One request of a peer while it is performed. */
export type Operation = {
  readonly command: Command;
  readonly context: AcceptedContext;
  readonly callingTitle: string;
  readonly may: ReadonlySet<Permission>;
  /** By C-CANCEL, or because the association is over. */
  readonly cancelled: AbortSignal;
  readonly exchange: MessageExchange;
  /** All accepted contexts of the association. */
  readonly contexts: ReadonlyMap<number, AcceptedContext>;
  /** A response with more to come, or the last one. */
  respond(elements: CommandElements, dataSet?: Buffer): Promise<void>;
};

export function whole(bytes: Buffer): OutgoingDataSet {
  return { length: bytes.length, chunks: [bytes] };
}
