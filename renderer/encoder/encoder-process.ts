import { type ChildProcess, execFile, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { TypedEmitter } from '@medusa/kernel';
import { AppError, type PictureLayer } from '@medusa/protocol';
import type { DisplaySize } from '../display/index.ts';
import type { Encoder, EncoderEvents, EncoderOptions } from './encoder.ts';
import type { EncoderCommand, EncoderReport, InjectedInput } from './messages.ts';

const program = fileURLToPath(new URL('program.ts', import.meta.url));
/** A crash now and then is healed; an encoder that keeps dying within this time is not worth restarting. */
const shortLifeMs = 3_000;
const mostShortLives = 5;

/**
 * To V8 a grab is 8 MB more of memory, and the next one 8 MB less. Beside a heap of 16 MB it began to collect garbage many times a second (20 % of
 * the program's time, and pauses that held pictures back), although there is none. So the heap may grow more before.
 */
const manyGrabsBetweenCollections = '--heap-growing-percent=1000';

/** The encoder program as a supervised child process: it may crash, and the stream goes on with a keyframe. */
export class EncoderProcess implements Encoder {
  readonly name = 'libx264';
  readonly events: TypedEmitter<EncoderEvents>;
  readonly #options: EncoderOptions;
  readonly #report: (error: unknown) => void;
  #child: ChildProcess;
  #size: DisplaySize;
  #kbps: number;
  #weakKbps: number | null = null;
  #areStillsWanted = false;
  #shortLives = 0;
  #isClosed = false;

  static async open(
    options: EncoderOptions,
    report: (error: unknown) => void,
    signal: AbortSignal,
  ): Promise<EncoderProcess> {
    const encoder = new EncoderProcess(options, report);
    try {
      await firstReport(encoder.#child, signal);
      return encoder;
    } catch (error) {
      await encoder[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(options: EncoderOptions, report: (error: unknown) => void) {
    this.#options = options;
    this.#report = report;
    this.#size = options.size;
    this.#kbps = options.kbps;
    this.events = new TypedEmitter(report);
    this.#child = this.#spawn();
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
    child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2_000)));
    child.on('message', (report: EncoderReport) => {
      if (report.kind === 'access-unit') this.events.emit('access-unit', report.accessUnit);
      else if (report.kind === 'still') this.events.emit('still', report.event);
      else if (report.kind === 'grays') this.events.emit('grays', report.ramp);
      // Before, there is nobody to hear it.
      else this.#sayWishes();
    });
    child.once('exit', () => this.#afterExit(Date.now() - bornAt, complaint));
    child.send({
      kind: 'open',
      settings: {
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

  #sayWishes(): void {
    if (this.#areStillsWanted) this.wantStills(true);
    if (this.#weakKbps !== null) this.setWeakBitrate(this.#weakKbps);
  }

  #afterExit(livedMs: number, complaint: string): void {
    if (this.#isClosed) return;
    const error = new AppError('session.start-failed', 'The encoder died', { cause: new Error(complaint) });
    this.#shortLives = livedMs < shortLifeMs ? this.#shortLives + 1 : 0;
    if (this.#shortLives >= mostShortLives) {
      this.#isClosed = true;
      this.events.emit('failed', error);
      return;
    }
    this.#report(error);
    this.#child = this.#spawn();
    this.events.emit('restarted');
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

async function firstReport(child: ChildProcess, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const aborted = (): void =>
    reject(new AppError('session.start-failed', 'The encoder did not start in time'));
  signal.addEventListener('abort', aborted, { once: true });
  if (signal.aborted) aborted();
  child.once('message', () => resolve(undefined));
  child.once('exit', () => reject(new AppError('session.start-failed', 'The encoder did not start')));
  try {
    await promise;
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}

/** The encoders that really open on this machine, best first. */
export async function probeEncoders(): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--probe'], {
    env: { PATH: '/usr/bin:/bin' },
    timeout: 20_000,
  });
  return z.array(z.string()).parse(JSON.parse(stdout));
}
