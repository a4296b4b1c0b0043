import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { parseCommand } from './model-command.ts';
import type { FuzzedObject } from './objects.ts';
import {
  encodeCommand,
  encodeData,
  encodePdu,
  encodeRequest,
  pdu,
  storeCommand,
  usualRequest,
} from './wire.ts';

const pieceBytes = 60_000;
const patienceMs = 60_000;

/** Sends objects over one association after another, each of the kinds that it was made for. */
export class Sender implements AsyncDisposable {
  readonly #port: number;
  #socket: Socket | undefined;
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
    const kind = `${object.sopClass} ${object.transferSyntax}`;
    if (!this.#socket || kind !== this.#kind) await this.#associate(object, kind);
    const socket = this.#socket;
    if (!socket) return undefined;
    await this.#send(socket, object);
    const answer = await nextPdu(socket);
    if (answer?.type === pdu.data) return statusOf(answer.body.subarray(6), this.#messageId);
    await this.#close();
    return undefined;
  }

  async #send(socket: Socket, { sopClass, sopInstance, dataSet }: FuzzedObject): Promise<void> {
    this.#messageId = (this.#messageId % 0xffff) + 1;
    const command = encodeCommand(storeCommand(this.#messageId, sopClass, sopInstance));
    socket.write(encodeData([{ context: 1, control: 3, bytes: command }]));
    for (let at = 0; at === 0 || at < dataSet.length; at += pieceBytes) {
      const isLast = at + pieceBytes >= dataSet.length;
      const bytes = dataSet.subarray(at, at + pieceBytes);
      if (!socket.write(encodeData([{ context: 1, control: isLast ? 2 : 0, bytes }]))) await drained(socket);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #associate(object: FuzzedObject, kind: string): Promise<void> {
    await this.#close();
    const socket = connect(this.#port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const contexts = [{ id: 1, abstractSyntax: object.sopClass, transferSyntaxes: [object.transferSyntax] }];
    socket.write(encodeRequest(usualRequest({ contexts })));
    const answer = await nextPdu(socket);
    if (answer?.type !== pdu.associateAccept) throw new Error(`No association for ${kind}`);
    this.#socket = socket;
    this.#kind = kind;
  }

  async #close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket || socket.closed) return;
    const closed = once(socket, 'close');
    socket.end(encodePdu(pdu.releaseRequest, Buffer.alloc(4)));
    socket.resume();
    await closed;
  }
}

function statusOf(response: Buffer, messageId: number): number | undefined {
  const command = parseCommand(response);
  return command?.messageId === messageId ? command.status : undefined;
}

async function drained(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}

type Pdu = { readonly type: number; readonly body: Buffer };

async function nextPdu(socket: Socket): Promise<Pdu | undefined> {
  let bytes: Buffer = Buffer.alloc(0);
  return new Promise((resolve) => {
    const finish = (answer: Pdu | undefined): void => {
      clearTimeout(timer);
      socket.off('data', take);
      socket.off('close', gone);
      resolve(answer);
    };
    const gone = (): void => finish(undefined);
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < 6 || bytes.length < 6 + bytes.readUInt32BE(2)) return;
      finish({ type: bytes.readUInt8(0), body: bytes.subarray(6, 6 + bytes.readUInt32BE(2)) });
    };
    const timer = setTimeout(gone, patienceMs);
    socket.on('data', take);
    socket.on('close', gone);
  });
}
