import { parseCommand, type ModelCommand } from './model-command.ts';
import { parseRequest } from './model-request.ts';
import { isUid, pdu, smallObject, uids } from './wire.ts';

/** What must come back, in this order. */
export type Expected =
  | { readonly kind: 'accept'; readonly results: readonly (readonly [id: number, result: number])[] }
  | { readonly kind: 'reject'; readonly verdict: readonly [result: number, source: number, reason: number] }
  | { readonly kind: 'abort'; readonly verdict: readonly [source: number, reason: number] }
  | { readonly kind: 'release' }
  | {
      readonly kind: 'response';
      readonly context: number;
      readonly field: number;
      readonly messageId: number;
      /** One of them. */
      readonly statuses: readonly number[];
    };

const mostPduBytes = 128 * 1024;
const mostCommandBytes = 16 * 1024;
const reasons = { unrecognized: 1, unexpected: 2, invalid: 6 } as const;
/** What a data set that nobody has read may be answered: anything but that something failed on the node's side. */
const anyVerdict = [0x0000, 0xb000, 0xc000, 0xc100, 0xc101, 0xa900, 0x0117] as const;

type State = 'awaiting' | 'associated' | 'ended';
type Receiving = { readonly context: number; readonly statusFor: (dataSet: Buffer) => readonly number[] } & {
  readonly command: ModelCommand;
  readonly chunks: Buffer[];
};

type Context = { readonly abstractSyntax: string; readonly transferSyntax: string };

class Refusal extends Error {
  readonly reason: number;
  constructor(reason: number) {
    super('refused');
    this.reason = reason;
  }
}

/**
 * The acceptor as PS3.8 table 9-10 has it (Sta2, Sta6, Sta13) with the DIMSE of one operation at a time, and with the limits that
 * the conformance statement tells. It is given what a peer sends, and says what the node must answer.
 */
export class UpperLayerModel {
  readonly expected: Expected[] = [];
  state: State = 'awaiting';
  /** The peer negotiated several operations at once: then the order of answers is open. */
  hasWindow = false;
  /** PDUs that were taken, the one that ended it too. */
  taken = 0;
  readonly #callers: ReadonlySet<string>;
  #bytes: Buffer = Buffer.alloc(0);
  readonly #contexts = new Map<number, Context>();
  #command: { context: number; chunks: Buffer[]; bytes: number } | undefined;
  #receiving: Receiving | undefined;

  /** @param callers titles that may call; none: any */
  constructor(callers: ReadonlySet<string> = new Set()) {
    this.#callers = callers;
  }

  push(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    try {
      while (this.state !== 'ended' && this.#step());
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // AA-1 before an association: the service user aborts, and has no reasons. AA-8 within one.
      const isBefore = this.state === 'awaiting';
      this.#end({ kind: 'abort', verdict: isBefore ? [0, 0] : [2, error.reason] });
    }
  }

  #end(last?: Expected): void {
    this.taken += 1;
    this.state = 'ended';
    if (last) this.expected.push(last);
  }

  #step(): boolean {
    if (this.#bytes.length < 6) return false;
    const type = this.#bytes.readUInt8(0);
    const length = this.#bytes.readUInt32BE(2);
    if (type < 1 || type > 7) throw new Refusal(reasons.unrecognized);
    if (type >= pdu.releaseRequest ? length !== 4 : length > mostPduBytes) throw new Refusal(reasons.invalid);
    if (this.#bytes.length < 6 + length) return false;
    const body = this.#bytes.subarray(6, 6 + length);
    this.#bytes = this.#bytes.subarray(6 + length);
    this.#take(type, body);
    if (this.state !== 'ended') this.taken += 1;
    return true;
  }

  #take(type: number, body: Buffer): void {
    if (type === pdu.abort) this.#end();
    else if (this.state === 'awaiting') {
      if (type !== pdu.associateRequest) throw new Refusal(reasons.unexpected);
      this.#negotiate(body);
    } else if (type === pdu.data) this.#takeData(body);
    else if (type === pdu.releaseRequest) this.#end({ kind: 'release' });
    else throw new Refusal(reasons.unexpected);
  }

  #negotiate(body: Buffer): void {
    const request = parseRequest(body, this.#callers);
    if (!request) throw new Refusal(reasons.invalid);
    const { verdict, contexts } = request;
    if (verdict) {
      this.#end({ kind: 'reject', verdict });
      return;
    }
    this.hasWindow = request.hasWindow;
    this.expected.push({ kind: 'accept', results: contexts.map(({ id, result }) => [id, result]) });
    for (const { id, result, abstractSyntax, transferSyntax } of contexts)
      if (result === 0) this.#contexts.set(id, { abstractSyntax, transferSyntax });
    this.state = 'associated';
  }

  #takeData(body: Buffer): void {
    if (body.length === 0) throw new Refusal(reasons.invalid);
    for (let at = 0; at < body.length;) {
      const length = at + 6 <= body.length ? body.readUInt32BE(at) : 0;
      if (length < 2 || at + 4 + length > body.length) throw new Refusal(reasons.invalid);
      const context = body.readUInt8(at + 4);
      const control = body.readUInt8(at + 5);
      const bytes = body.subarray(at + 6, at + 4 + length);
      at += 4 + length;
      if (!this.#contexts.has(context)) throw new Refusal(reasons.invalid);
      const isLast = (control & 2) !== 0;
      if ((control & 1) !== 0) this.#takeCommand(context, bytes, isLast);
      else this.#takeDataSet(context, bytes, isLast);
    }
  }

  #takeCommand(context: number, bytes: Buffer, isLast: boolean): void {
    const command = this.#command ?? { context, chunks: [], bytes: 0 };
    this.#command = command;
    command.bytes += bytes.length;
    if (this.#receiving || command.context !== context || command.bytes > mostCommandBytes)
      throw new Refusal(reasons.invalid);
    command.chunks.push(bytes);
    if (!isLast) return;
    this.#command = undefined;
    const parsed = parseCommand(Buffer.concat(command.chunks));
    // A response to what the node never asked is as broken as a command set that cannot be read.
    if (!parsed || parsed.isResponse) throw new Refusal(reasons.invalid);
    this.#perform(parsed, context);
  }

  #perform(command: ModelCommand, context: number): void {
    const accepted = this.#contexts.get(context) ?? { abstractSyntax: '', transferSyntax: '' };
    const isStorage = accepted.abstractSyntax !== uids.verification;
    if (command.hasDataSet) {
      this.#receiving = {
        ...{ command, context, chunks: [] },
        statusFor: (dataSet) => verdictOn(command, { ...accepted, isStorage }, dataSet),
      };
      return;
    }
    if (command.isCancel) return;
    const isEcho = command.field === 0x0030 && !isStorage;
    this.#respond(command, context, [isEcho ? 0 : command.field === 0x0001 ? 0xc000 : 0x0211]);
  }

  #takeDataSet(context: number, bytes: Buffer, isLast: boolean): void {
    const receiving = this.#receiving;
    if (receiving?.context !== context) throw new Refusal(reasons.invalid);
    receiving.chunks.push(bytes);
    if (!isLast) return;
    this.#receiving = undefined;
    const { command, chunks, statusFor } = receiving;
    if (!command.isCancel) this.#respond(command, context, statusFor(Buffer.concat(chunks)));
  }

  #respond({ field, messageId }: ModelCommand, context: number, statuses: readonly number[]): void {
    this.expected.push({ kind: 'response', context, field: field | 0x8000, messageId, statuses });
  }
}

function verdictOn(
  command: ModelCommand,
  { abstractSyntax, transferSyntax, isStorage }: Context & { readonly isStorage: boolean },
  dataSet: Buffer,
): readonly number[] {
  if (command.field !== 0x0001 || !isStorage) return [0x0211];
  if (command.sopClass !== abstractSyntax) return [0x0122];
  if (!isUid(command.sopInstance)) return [0x0117];
  if (dataSet.length === 0) return [0xc000];
  const isSmallObject = dataSet.equals(smallObject.dataSet) && abstractSyntax === smallObject.sopClass;
  if (!isSmallObject || transferSyntax !== uids.explicit) return anyVerdict;
  return command.sopInstance === smallObject.sopInstance ? [0x0000] : [0x0117];
}
