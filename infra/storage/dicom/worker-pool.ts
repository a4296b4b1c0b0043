import { Worker } from 'node:worker_threads';
import { AppError } from '@medusa/protocol';
import { MalformedDataSet } from './malformed.ts';
import type { WorkerAnswer, WorkerResult, WorkerTask } from './worker-task.ts';

type Job = {
  readonly task: WorkerTask;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
};
type Seat = { worker: Worker | undefined; job: Job | undefined; timer: NodeJS.Timeout | undefined };

/** Threads that read and decode objects. One that takes too long or dies is replaced, and only its own task fails. */
export class WorkerPool implements AsyncDisposable {
  readonly #seats: Seat[];
  readonly #waiting: Job[] = [];
  readonly #taskMs: number;
  #isClosed = false;

  /** @param limits `ready` threads start now, so that the first tasks do not wait for them */
  constructor(limits: { readonly threads: number; readonly taskMs: number; readonly ready?: number }) {
    this.#taskMs = limits.taskMs;
    this.#seats = Array.from({ length: limits.threads }, () => ({
      worker: undefined,
      job: undefined,
      timer: undefined,
    }));
    for (const seat of this.#seats.slice(0, limits.ready ?? 0)) seat.worker = this.#hire(seat);
  }

  /** @throws MalformedDataSet, AppError */
  async run<Kind extends WorkerTask['kind']>(
    task: Extract<WorkerTask, { kind: Kind }>,
  ): Promise<WorkerResult[Kind]> {
    if (this.#isClosed) throw new AppError('internal', 'The storage node is closing');
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve: resolve as (value: unknown) => void, reject });
      this.#next();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const closing = new AppError('internal', 'The storage node is closing');
    for (const job of this.#waiting.splice(0)) job.reject(closing);
    await Promise.all(
      this.#seats.map(async (seat) => {
        this.#finish(seat)?.reject(closing);
        await seat.worker?.terminate();
      }),
    );
  }

  #next(): void {
    const seat = this.#seats.find(({ job }) => !job);
    if (!seat || this.#isClosed) return;
    const job = this.#waiting.shift();
    if (!job) return;
    seat.job = job;
    seat.worker ??= this.#hire(seat);
    seat.timer = setTimeout(() => this.#dismiss(seat, 'it took too long to read'), this.#taskMs);
    seat.worker.postMessage(job.task);
  }

  #hire(seat: Seat): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 1024 },
      execArgv: [],
      // The codecs print what they find; it may be patient data.
      stdout: true,
      stderr: true,
    });
    worker.stdout.resume();
    worker.stderr.resume();
    worker.on('message', (answer: WorkerAnswer) => this.#answer(seat, answer));
    worker.on('error', () => this.#dismiss(seat, 'its reader died of it'));
    return worker;
  }

  #answer(seat: Seat, answer: WorkerAnswer): void {
    const job = this.#finish(seat);
    if (answer.ok) job?.resolve(answer.value);
    else if (answer.kind === 'malformed') job?.reject(new MalformedDataSet(answer.message));
    else job?.reject(new AppError(answer.kind, answer.message));
    this.#next();
  }

  #dismiss(seat: Seat, reason: string): void {
    const { worker } = seat;
    seat.worker = undefined;
    worker?.removeAllListeners();
    // A late error of a thread that is being ended concerns nobody.
    worker?.on('error', () => undefined);
    void worker?.terminate();
    this.#finish(seat)?.reject(new MalformedDataSet(reason));
    this.#next();
  }

  #finish(seat: Seat): Job | undefined {
    clearTimeout(seat.timer);
    const { job } = seat;
    seat.job = undefined;
    return job;
  }
}
