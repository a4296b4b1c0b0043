import type { DicomJson } from '../dicom/dicom-json.ts';
import type { Permission } from '../entities/registry.ts';
import type { FindLevel } from '../index/find.ts';
import type { Command, CommandElements } from './command.ts';
import type { MessageExchange, OutgoingDataSet } from './exchange.ts';

export type AcceptedContext = {
  readonly id: number;
  readonly abstractSyntax: string;
  readonly transferSyntax: string;
  /** The peer takes objects over this context; otherwise it sends them. */
  readonly isReceiver: boolean;
};

/** Who is at the other end, apart from the name it gives. */
export type Peer = {
  readonly address: string;
  /** Common name of the certificate that it showed; undefined over plaintext. */
  readonly certificate: string | undefined;
};

/** One request of a peer while it is performed. */
export type Operation = {
  readonly command: Command;
  readonly context: AcceptedContext;
  readonly callingTitle: string;
  readonly peer: Peer;
  readonly may: ReadonlySet<Permission>;
  /** By C-CANCEL, or because the association is over. */
  readonly cancelled: AbortSignal;
  readonly exchange: MessageExchange;
  /** All accepted contexts of the association. */
  readonly contexts: ReadonlyMap<number, AcceptedContext>;
  /** Told what is asked for before anything of it is answered. */
  asked?(level: FindLevel, attributes: DicomJson): void;
  /** A response with more to come, or the last one. */
  respond(elements: CommandElements, dataSet?: Buffer): Promise<void>;
};

export function whole(bytes: Buffer): OutgoingDataSet {
  return { length: bytes.length, chunks: [bytes] };
}
