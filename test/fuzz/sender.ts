import { parseCommand } from './model-command.ts';
import type { FuzzedObject } from './objects.ts';
import { connectPeer, type Peer } from './peer.ts';
import { encodeCommand, encodeData, encodeRequest, pdu, storeCommand, usualRequest } from './wire.ts';

const pieceBytes = 60_000;

/** Sends objects over one association after another, each of the kinds that it was made for. */
export class Sender implements AsyncDisposable {
  readonly #port: number;
  #peer: Peer | undefined;
  #kind = '';
  #messageId = 0;

  static async open(port: number): Promise<Sender> {
    return new Sender(port);
  }

  private constructor(port: number) {
    this.#port = port;
  }

  /** Undefined: no answer came. */
  async store(object: FuzzedObject): Promise<number | undefined> {
    const peer = await this.#associated(object);
    this.#messageId = (this.#messageId % 0xffff) + 1;
    for (const bytes of messageOf(object, this.#messageId)) peer.send(bytes);
    const answer = await peer.next();
    if (answer?.type === pdu.data) return statusOf(answer.body.subarray(6), this.#messageId);
    await this.#close();
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #associated({ sopClass, transferSyntax }: FuzzedObject): Promise<Peer> {
    const kind = `${sopClass} ${transferSyntax}`;
    if (this.#peer && kind === this.#kind) return this.#peer;
    await this.#close();
    const peer = await connectPeer(this.#port);
    const contexts = [{ id: 1, abstractSyntax: sopClass, transferSyntaxes: [transferSyntax] }];
    peer.send(encodeRequest(usualRequest({ contexts })));
    if ((await peer.next())?.type !== pdu.associateAccept) throw new Error(`No association for ${kind}`);
    this.#peer = peer;
    this.#kind = kind;
    return peer;
  }

  async #close(): Promise<void> {
    const peer = this.#peer;
    this.#peer = undefined;
    await peer?.release();
  }
}

function* messageOf(
  { sopClass, sopInstance, dataSet }: FuzzedObject,
  messageId: number,
): Generator<Buffer, void, undefined> {
  const command = encodeCommand(storeCommand(messageId, sopClass, sopInstance));
  yield encodeData([{ context: 1, control: 3, bytes: command }]);
  for (let at = 0; at === 0 || at < dataSet.length; at += pieceBytes) {
    const isLast = at + pieceBytes >= dataSet.length;
    yield encodeData([{ context: 1, control: isLast ? 2 : 0, bytes: dataSet.subarray(at, at + pieceBytes) }]);
  }
}

function statusOf(response: Buffer, messageId: number): number | undefined {
  const command = parseCommand(response);
  return command?.messageId === messageId ? command.status : undefined;
}
