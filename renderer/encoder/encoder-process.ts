import { type ChildProcess, execFile, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { TypedEmitter } from '@medusa/kernel';
import { AppError, type PictureLayer } from '@medusa/protocol';
import type { DisplaySize } from '../display/index.ts';
import type { Encoder, EncoderEvents, EncoderOptions } from './encoder.ts';
import { type EncoderName, encoderNames } from './ladder.ts';
import type { EncoderCommand, EncoderProbe, EncoderReport, InjectedInput } from './messages.ts';

const program = fileURLToPath(new URL('program.ts', import.meta.url));
/** A crash now and then is healed; an encoder that keeps dying within this time is not worth restarting. */
const shortLifeMs = 3_000;
const mostShortLives = 5;
const encoderNameSchema = z.enum(encoderNames);
const probeSchema = z.object({
  working: z.array(encoderNameSchema),
  refused: z.partialRecord(encoderNameSchema, z.string()),
});

/**
 * To V8 a grab is 8 MB more of memory, and the next one 8 MB less. Beside a heap of 16 MB it began to collect garbage many times a second (20 % of
 * the program's time, and pauses that held pictures back), although there is none. So the heap may grow more before.
 */
const manyGrabsBetweenCollections = '--heap-growing-percent=1000';

/** The encoder program as a supervised child process: it may crash, and the stream goes on with a keyframe. */
export class EncoderProcess implements Encoder {
  readonly events: TypedEmitter<EncoderEvents>;
  readonly #options: EncoderOptions;
  readonly #report: (error: unknown) => void;
  /** The first one is at work. */
  #encoders: readonly EncoderName[];
  #child: ChildProcess;
  #size: DisplaySize;
  #kbps: number;
  #weakKbps: number | null = null;
  #areStillsWanted = false;
  #shortLives = 0;
  #isClosed = false;
  /** The first program that reports. */
  readonly #opened = Promise.withResolvers<undefined>();
  #hasOpened = false;

  static async open(
    options: EncoderOptions,
    report: (error: unknown) => void,
    signal: AbortSignal,
  ): Promise<EncoderProcess> {
    const encoder = new EncoderProcess(options, report);
    try {
      await encoder.#untilOpened(signal);
      return encoder;
    } catch (error) {
      await encoder[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(options: EncoderOptions, report: (error: unknown) => void) {
    this.#options = options;
    this.#report = report;
    this.#encoders = options.encoders ?? ['libx264'];
    this.#size = options.size;
    this.#kbps = options.kbps;
    this.events = new TypedEmitter(report);
    this.#child = this.#spawn();
  }

  get name(): EncoderName {
    return this.#encoders[0] ?? 'libx264';
  }

  /** For tests and operators: which process it is. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  requestKeyframe(layer: PictureLayer): void {
    this.#send({ kind: 'keyframe', layer });
  }

  setBitrate(kbps: number): void {
    this.#kbps = kbps;
    this.#send({ kind: 'bitrate', kbps });
  }

  setWeakBitrate(kbps: number | null): void {
    this.#weakKbps = kbps;
    this.#send({ kind: 'weak', kbps });
  }

  resize(size: DisplaySize): void {
    this.#size = size;
    this.#send({ kind: 'resize', ...size });
  }

  wantStills(isWanted: boolean): void {
    this.#areStillsWanted = isWanted;
    this.#send({ kind: 'stills', isWanted });
  }

  noteInput(input: InjectedInput): void {
    this.#send({ kind: 'input', input });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    child.once('exit', () => resolve(undefined));
    // It holds nothing worth a farewell, and native code may be stuck.
    child.kill('SIGKILL');
    await promise;
  }

  async #untilOpened(signal: AbortSignal): Promise<void> {
    const aborted = (): void =>
      this.#opened.reject(new AppError('session.start-failed', 'The encoder did not start in time'));
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
    try {
      await this.#opened.promise;
    } finally {
      signal.removeEventListener('abort', aborted);
    }
  }

  #send(command: EncoderCommand): void {
    if (!this.#isClosed && this.#child.connected)
      this.#child.send(command, (error) => error && this.#report(error));
  }

  #spawn(): ChildProcess {
    const bornAt = Date.now();
    const { address, xauthorityFile, framesPerSecond, thrift } = this.#options;
    const child = fork(program, [], {
      serialization: 'advanced',
      execArgv: [manyGrabsBetweenCollections],
      // FFmpeg's X client finds its cookie through the environment.
      env: { PATH: '/usr/bin:/bin', XAUTHORITY: xauthorityFile },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    preferOverApplications(child.pid);
    let complaint = '';
    let hasOpened = false;
    child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2_000)));
    child.on('message', (report: EncoderReport) => {
      if (report.kind === 'opened') hasOpened = true;
      this.#hear(report);
    });
    child.once('exit', () => {
      const error = new AppError('session.start-failed', `The encoder ${this.name} died`, {
        cause: new Error(complaint),
      });
      this.#afterExit(error, { hasOpened, livedMs: Date.now() - bornAt });
    });
    child.send({
      kind: 'open',
      settings: {
        encoder: this.name,
        displayName: address.displayName,
        cookie: address.cookie,
        ...this.#size,
        framesPerSecond,
        kbps: this.#kbps,
        thrift,
      },
    } satisfies EncoderCommand);
    return child;
  }

  #hear(report: EncoderReport): void {
    switch (report.kind) {
      case 'opened':
        this.#hasOpened = true;
        this.#opened.resolve(undefined);
        this.#sayWishes();
        break;
      case 'access-unit':
        this.events.emit('access-unit', report.accessUnit);
        break;
      case 'answer':
        this.events.emit('answer', report.answer);
        break;
      case 'still':
        this.events.emit('still', report.event);
        break;
      case 'grays':
        this.events.emit('grays', report.ramp);
        break;
    }
  }

  #sayWishes(): void {
    if (this.#areStillsWanted) this.wantStills(true);
    if (this.#weakKbps !== null) this.setWeakBitrate(this.#weakKbps);
  }

  /** @returns false when there is no other encoder. */
  #stepDown(): boolean {
    if (this.#encoders.length < 2) return false;
    this.#encoders = this.#encoders.slice(1);
    this.#shortLives = 0;
    return true;
  }

  #afterExit(error: Error, { hasOpened, livedMs }: { hasOpened: boolean; livedMs: number }): void {
    if (this.#isClosed) return;
    this.#shortLives = livedMs < shortLifeMs ? this.#shortLives + 1 : 0;
    // One that does not even open, as when a graphic processor serves as many as it can, gets no second try.
    const isHopeless = !hasOpened || this.#shortLives >= mostShortLives;
    if (isHopeless && !this.#stepDown() && (!this.#hasOpened || this.#shortLives >= mostShortLives)) {
      this.#isClosed = true;
      this.#opened.reject(error);
      if (this.#hasOpened) this.events.emit('failed', error);
      return;
    }
    this.#report(error);
    this.#child = this.#spawn();
    if (this.#hasOpened) this.events.emit('restarted');
  }
}

/** On a busy machine the picture of what is drawn must not wait for the drawing of the next. Only root may ask for that. */
function preferOverApplications(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_ABOVE_NORMAL);
  } catch (error) {
    // The root of a container is none of the host's (setpriority(2)): it goes on as everybody's equal.
    const { info } = error as { info?: { code?: string } };
    if (!['EACCES', 'EPERM', 'ESRCH'].includes(info?.code ?? '')) throw error;
  }
}

/** The encoders that really encode on this machine, best first, and why the others do not. */
export async function probeEncoders(): Promise<EncoderProbe> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--probe'], {
    env: { PATH: '/usr/bin:/bin' },
    timeout: 20_000,
  });
  return probeSchema.parse(JSON.parse(stdout));
}
