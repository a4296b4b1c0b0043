import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Expected } from './model.ts';
import { parseCommand } from './model-command.ts';
import type { Random } from './random.ts';
import type { Script } from './script.ts';
import { pdu } from './wire.ts';

/** Long enough for a loaded machine: what never comes is a fault, what comes late is none. */
const patienceMs = 30_000;

/** Says a script to the node. Answers what was wrong with what came back; undefined: nothing. */
export async function play(
  script: Script,
  { port, address, random }: { port: number; address: string; random: Random },
): Promise<string | undefined> {
  const { expected, state, hasWindow } = script.model;
  const ear = new Ear();
  const socket = connect({ port, host: '127.0.0.1', localAddress: address });
  socket.setNoDelay(true);
  const over = new Promise<void>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => ear.failed(error.code ?? error.message));
    socket.once('close', () => resolve());
  });
  const timer = setTimeout(() => {
    ear.failed('nothing came any more');
    socket.destroy();
  }, patienceMs);
  try {
    socket.on('data', (chunk: Buffer) => {
      ear.hear(chunk);
      // The rest of a PDU will never come: the peer goes away, when it has all its answers.
      if (state !== 'ended' && ear.heard.length >= expected.length) socket.end();
    });
    for (const piece of pieces(script.bytes, random)) {
      // The node may have ended it before all is said.
      if (!socket.writable) break;
      socket.write(piece);
      await nextTurn();
    }
    if (state !== 'ended' && expected.length === 0) socket.end();
    await over;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
  return ear.fault ?? differenceOf(ear.heard, expected, hasWindow);
}

function* pieces(bytes: Buffer, random: Random): Generator<Buffer, void, undefined> {
  if (random.chance(0.85)) {
    yield bytes;
    return;
  }
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random.below(random.chance(0.3) ? 8 : bytes.length);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** One answer of the node, in the words of the model. */
type Heard =
  | Exclude<Expected, { kind: 'response' }>
  | {
      readonly kind: 'response';
      readonly context: number;
      readonly field: number;
      readonly messageId: number;
      readonly status: number;
    };

class Ear {
  readonly heard: Heard[] = [];
  fault: string | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  readonly #command: Buffer[] = [];

  failed(reason: string): void {
    this.fault ??= reason;
  }

  hear(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= 6) {
      const length = this.#bytes.readUInt32BE(2);
      if (this.#bytes.length < 6 + length) return;
      this.#take(this.#bytes.readUInt8(0), this.#bytes.subarray(6, 6 + length));
      this.#bytes = this.#bytes.subarray(6 + length);
    }
  }

  #take(type: number, body: Buffer): void {
    const [first = 0, second = 0, third = 0, fourth = 0] = body;
    switch (type) {
      case pdu.associateAccept:
        this.heard.push({ kind: 'accept', results: resultsOf(body) });
        return;
      case pdu.associateReject:
        this.heard.push({ kind: 'reject', verdict: [second, third, fourth] });
        return;
      case pdu.abort:
        this.heard.push({ kind: 'abort', verdict: [third, fourth] });
        return;
      case pdu.releaseResponse:
        this.heard.push({ kind: 'release' });
        return;
      case pdu.data:
        this.#takeData(body);
        return;
      default:
        this.failed(`a PDU of type ${type} came, which begins with ${first}`);
    }
  }

  #takeData(body: Buffer): void {
    for (let at = 0; at + 6 <= body.length; at += 4 + body.readUInt32BE(at)) {
      const context = body.readUInt8(at + 4);
      const control = body.readUInt8(at + 5);
      this.#command.push(body.subarray(at + 6, at + 4 + body.readUInt32BE(at)));
      if ((control & 1) === 0) this.failed('a data set came, though nothing was asked that has one');
      if ((control & 2) !== 0) this.#takeCommand(context, Buffer.concat(this.#command.splice(0)));
    }
  }

  #takeCommand(context: number, bytes: Buffer): void {
    const command = parseCommand(bytes);
    if (!command?.isResponse) {
      this.failed('something else than a response came');
      return;
    }
    const { field, messageId, status } = command;
    this.heard.push({ kind: 'response', context, field, messageId, status });
  }
}

function resultsOf(body: Buffer): [number, number][] {
  const results: [number, number][] = [];
  for (let at = 68; at + 4 <= body.length; at += 4 + body.readUInt16BE(at + 2))
    if (body[at] === 0x21) results.push([body[at + 4] ?? 0, body[at + 6] ?? 0]);
  return results;
}

function differenceOf(
  heard: readonly Heard[],
  expected: readonly Expected[],
  hasWindow: boolean,
): string | undefined {
  if (hasWindow) return strangerOf(heard, expected);
  const at = Array.from({ length: Math.max(heard.length, expected.length) }, (_, index) => index).find(
    (index) => {
      const [one, other] = [heard[index], expected[index]];
      return !one || !other || !fits(one, other);
    },
  );
  return at === undefined ? undefined : told(at, heard, expected);
}

/**
 * With several operations at once answers come as they are done, and not at all when the association ended before. More of them than
 * were negotiated is an abort, and whether there were is a race. But nothing may come that answers nothing.
 */
function strangerOf(heard: readonly Heard[], expected: readonly Expected[]): string | undefined {
  const open = [...expected];
  const stranger = heard.findIndex((one) => {
    const at = open.findIndex((other) => fits(one, other));
    if (at >= 0) open.splice(at, 1);
    return at < 0 && !(one.kind === 'abort' && one.verdict[1] === 6);
  });
  return stranger < 0 ? undefined : told(stranger, heard, []);
}

function told(at: number, heard: readonly Heard[], expected: readonly Expected[]): string {
  const words = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));
  return `answer ${at} is ${words(heard[at])}, should be ${words(expected[at])}`;
}

function fits(heard: Heard, expected: Expected): boolean {
  if (heard.kind === 'response' && expected.kind === 'response') {
    const { statuses, ...rest } = expected;
    const { status, ...others } = heard;
    return JSON.stringify(rest) === JSON.stringify(others) && statuses.includes(status);
  }
  return JSON.stringify(heard) === JSON.stringify(expected);
}
