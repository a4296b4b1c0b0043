import { createReadStream } from 'node:fs';
import { connect, type Socket } from 'node:net';

type ScanVerdict =
  | { readonly kind: 'clean' }
  | { readonly kind: 'infected'; readonly name: string }
  /** `isAway`: it would fare no better with another file. */
  | { readonly kind: 'unknown'; readonly reason: string; readonly isAway: boolean };

/** Looks for malware in a file. Never rejects: a scanner that cannot say answers so. */
export interface Scanner {
  scan(path: string): Promise<ScanVerdict>;
}

export type ScannerAddress = { readonly path: string } | { readonly host: string; readonly port: number };

const chunkBytes = 256 * 1024;
const mostAnswerBytes = 4_096;
/** clamd works on few at a time, and answers the rest late. */
const mostAtOnce = 4;

/** `unix:/run/clamav/clamd.ctl` or `tcp://127.0.0.1:3310`; undefined: neither. */
export function parseScannerAddress(text: string): ScannerAddress | undefined {
  const path = /^unix:(\/.+)$/.exec(text)?.[1];
  if (path !== undefined) return { path };
  const [, host, port] = /^tcp:\/\/([\w.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(text) ?? [];
  return host === undefined ? undefined : { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** ClamAV's daemon, by its INSTREAM command: it sees bytes and needs no right to read our folder. */
export function clamdScanner(address: ScannerAddress, { timeLimitMs }: { timeLimitMs: number }): Scanner {
  const turns = createTurns(mostAtOnce);
  return {
    async scan(path) {
      const turn = await turns.take();
      try {
        return verdictOf(await ask(address, path, timeLimitMs));
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
        const reason = `not scanned: ${code ?? 'the scanner does not answer'}`;
        return { kind: 'unknown', reason, isAway: code !== undefined };
      } finally {
        turn[Symbol.dispose]();
      }
    },
  };
}

function verdictOf(answer: string): ScanVerdict {
  if (/^stream: OK\0?\s*$/.test(answer)) return { kind: 'clean' };
  const name = /^stream: (.{1,100}) FOUND\0?\s*$/.exec(answer)?.[1];
  if (name !== undefined) return { kind: 'infected', name: name.replace(/[^\w.:()/-]/g, '_') };
  const isTooLong = answer.startsWith('INSTREAM size limit exceeded');
  const reason = `not scanned: ${isTooLong ? 'longer than the scanner takes' : 'error'}`;
  return { kind: 'unknown', reason, isAway: false };
}

async function ask(address: ScannerAddress, path: string, timeLimitMs: number): Promise<string> {
  const socket = connect(address);
  const timer = setTimeout(() => socket.destroy(new Error('too late')), timeLimitMs);
  try {
    const answer = readAnswer(socket);
    // It may have its answer before it has all bytes, and then reads no more: the answer counts.
    const sent = send(socket, path).catch(() => undefined);
    const text = await answer;
    socket.destroy();
    await sent;
    return text;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function send(socket: Socket, path: string): Promise<void> {
  await write(socket, Buffer.from('zINSTREAM\0'));
  // Not before: nobody would hear of its failure.
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: chunkBytes });
  for await (const chunk of chunks) {
    await write(socket, lengthOf(chunk.length));
    await write(socket, chunk);
  }
  await write(socket, lengthOf(0));
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

async function write(socket: Socket, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

async function readAnswer(socket: Socket): Promise<string> {
  let answer = '';
  await new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (answer.includes('\0') || answer.length > mostAnswerBytes) resolve();
    });
    socket.on('error', (error) => (answer === '' ? reject(error) : resolve()));
    socket.on('close', () => resolve());
  });
  return answer;
}

type Turns = { take(): Promise<Disposable> };

function createTurns(most: number): Turns {
  let taken = 0;
  const waiting: (() => void)[] = [];
  return {
    async take() {
      if (taken >= most) await new Promise<void>((resolve) => waiting.push(resolve));
      else taken += 1;
      return {
        [Symbol.dispose]() {
          const next = waiting.shift();
          if (next) next();
          else taken -= 1;
        },
      };
    },
  };
}
