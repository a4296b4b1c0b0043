import { type ChildProcess, spawn } from 'node:child_process';
import { chown, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { TypedEmitter } from '@medusa/kernel';
import { AppError } from '@medusa/protocol';
import { applyScreenSize, type DisplaySize, largestSize } from './screen-size.ts';
import { createCookie, encodeXauthority } from './xauthority.ts';
import { type DisplayAddress, XConnection } from './x-connection.ts';

type DisplayEvents = { resized: [size: DisplaySize]; closed: [reason: 'requested' | 'crashed'] };

export type DisplayOptions = {
  readonly size: DisplaySize;
  /** Private folder for the cookie file. */
  readonly folder: string;
  /** The user that the X server and its clients run as; null = our own. */
  readonly uid: number | null;
  readonly report: (error: unknown) => void;
};

/** One headless X display (Xvfb). Born open, closed once, and closed for good. */
export class VirtualDisplay implements AsyncDisposable {
  readonly address: DisplayAddress;
  readonly xauthorityFile: string;
  /** Where the X server listens, for a sandbox to bind. */
  readonly socketFile: string;
  readonly events: TypedEmitter<DisplayEvents>;
  readonly #connection: XConnection;
  readonly #resources: AsyncDisposableStack;
  #size: DisplaySize;
  #closing: Promise<void> | undefined;

  static async create(options: DisplayOptions, signal: AbortSignal): Promise<VirtualDisplay> {
    await using starting = new AsyncDisposableStack();
    const cookie = createCookie();
    const xauthorityFile = path.join(options.folder, 'xauthority');
    await writeFile(xauthorityFile, encodeXauthority(cookie), { mode: 0o600 });
    starting.defer(async () => rm(xauthorityFile, { force: true }));
    if (options.uid !== null) await chown(xauthorityFile, options.uid, options.uid);

    const server = spawnServer(xauthorityFile, options.uid);
    starting.defer(async () => stopServer(server));
    const number = await readDisplayNumber(server, signal);
    const address = { displayName: `:${number}`, cookie };
    await checkThatStrangersAreRefused(address.displayName);
    const connection = starting.use(await XConnection.open(address, { report: options.report }));
    await applyScreenSize(connection, options.size);
    const display = new VirtualDisplay({ address, xauthorityFile, connection }, options, starting.move());
    server.once('exit', () => void display.close('crashed').catch(options.report));
    return display;
  }

  private constructor(
    parts: { address: DisplayAddress; xauthorityFile: string; connection: XConnection },
    options: DisplayOptions,
    resources: AsyncDisposableStack,
  ) {
    this.address = parts.address;
    this.xauthorityFile = parts.xauthorityFile;
    this.socketFile = `/tmp/.X11-unix/X${parts.address.displayName.slice(1)}`;
    this.events = new TypedEmitter(options.report);
    this.#connection = parts.connection;
    this.#size = options.size;
    this.#resources = resources;
  }

  get size(): DisplaySize {
    return this.#size;
  }

  /** Resolves when the screen has the new size; applications follow in their own time. */
  async resize(size: DisplaySize): Promise<void> {
    if (this.#closing) throw new AppError('session.closed', 'The display is closed');
    await applyScreenSize(this.#connection, size);
    this.#size = size;
    this.events.emit('resized', size);
  }

  /** Idempotent: every caller waits for the one teardown, and the first reason wins. */
  async close(reason: 'requested' | 'crashed' = 'requested'): Promise<void> {
    this.#closing ??= this.#teardown(reason);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #teardown(reason: 'requested' | 'crashed'): Promise<void> {
    try {
      await this.#resources.disposeAsync();
    } finally {
      this.events.emit('closed', reason);
    }
  }
}

function spawnServer(xauthorityFile: string, uid: number | null): ChildProcess {
  const server = [
    ...['Xvfb', '-displayfd', '3', '-screen', '0', `${largestSize.widthPx}x${largestSize.heightPx}x24`],
    ...['-auth', xauthorityFile, '-nolisten', 'tcp', '-noreset', '-dpi', '96', '+extension', 'RANDR'],
  ];
  // TERM, not KILL, when we die: then Xvfb removes its own socket and lock file.
  const wrapper = ['--pdeathsig', 'TERM', '--no-new-privs'];
  const user = uid === null ? [] : ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups'];
  return spawn('setpriv', [...wrapper, ...user, '--', ...server], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { PATH: '/usr/bin:/bin' },
  });
}

/** An X server that cannot read its cookie file lets every local process in, without a word. */
async function checkThatStrangersAreRefused(displayName: string): Promise<void> {
  const stranger = { displayName, cookie: createCookie() };
  const isRefused = await XConnection.open(stranger, { report: () => undefined }).then(
    async (connection) => {
      await connection[Symbol.asyncDispose]();
      return false;
    },
    () => true,
  );
  if (!isRefused) throw new AppError('session.start-failed', 'The display does not ask for its cookie');
}

/** With -displayfd the server picks a free number itself and tells it when clients may connect: no race for numbers. */
async function readDisplayNumber(server: ChildProcess, signal: AbortSignal): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let told = '';
  (server.stdio[3] as Readable).on('data', (chunk: Buffer) => {
    told += chunk.toString();
    if (told.includes('\n')) resolve(Number.parseInt(told, 10));
  });
  const fail = (cause?: unknown): void =>
    reject(new AppError('session.start-failed', 'The X server did not start', { cause }));
  server.once('error', fail);
  server.once('exit', () => fail());
  const aborted = (): void => fail(signal.reason);
  signal.addEventListener('abort', aborted, { once: true });
  if (signal.aborted) aborted();
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.once('exit', () => resolve(undefined));
  server.kill('SIGTERM');
  const overdue = setTimeout(() => server.kill('SIGKILL'), 5_000);
  await promise;
  clearTimeout(overdue);
}
