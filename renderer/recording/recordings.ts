import { mkdir, open, stat, statfs } from 'node:fs/promises';
import type { Logger } from 'pino';
import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  type RecordingEnd,
  type RecordingId,
  type RecordingTold,
  type StartRecording,
} from '@medusa/protocol';
import { type Recordable, Recording } from './recording.ts';
import { type Facts, RecordingFiles, toldOf } from './recording-file.ts';

type Options = {
  readonly folder: string;
  readonly mostBytes: number;
  readonly mostMs: number;
  /** Of all that are kept together. */
  readonly mostKeptBytes: number;
  readonly log: Logger;
};

const expiryMs = 30_000;

/** The recordings of this node: made of what the sessions show, kept for a while, given to the broker bit by bit, and deleted. */
export class Recordings implements AsyncDisposable {
  readonly events: TypedEmitter<{ told: [told: RecordingTold] }>;
  readonly #options: Options;
  readonly #files: RecordingFiles;
  readonly #known = new Map<RecordingId, Facts>();
  readonly #running = new Map<RecordingId, Recording>();
  readonly #finishing = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  /** What a killed agent was recording is finished now: nothing that was shown until then is lost. */
  static async open(options: Options): Promise<Recordings> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const recordings = new Recordings(options);
    for (const facts of await recordings.#files.saved()) {
      recordings.#known.set(facts.recordingId, facts);
      if (facts.state === 'recording' || facts.state === 'finishing')
        recordings.#finish({ ...facts, state: 'finishing', reason: facts.reason ?? 'failed' });
    }
    recordings.#expire();
    return recordings;
  }

  private constructor(options: Options) {
    this.#options = options;
    this.#files = new RecordingFiles(options.folder);
    this.events = new TypedEmitter(this.#report);
    this.#timer = setInterval(() => this.#expire(), expiryMs).unref();
  }

  /** All that the broker may not know yet. */
  all(): RecordingTold[] {
    return Array.from(this.#known.values(), toldOf);
  }

  /** @throws AppError `recording.no-space`, or what the session says. */
  async start({ recordingId, sessionId, keepSeconds }: StartRecording, session: Recordable): Promise<void> {
    if (this.#known.has(recordingId)) return;
    await this.#checkSpace();
    const { mostBytes, mostMs } = this.#options;
    const recording = new Recording(session, {
      ...{ journal: this.#files.journal(recordingId), mostBytes, mostMs },
      ended: (reason) => this.stop(recordingId, reason),
    });
    this.#running.set(recordingId, recording);
    await this.#keep({
      ...{ recordingId, sessionId, keepSeconds, state: 'recording', startedAt: new Date().toISOString() },
      ...{
        stoppedAt: null,
        reason: null,
        bytes: 0,
        durationMs: 0,
        pictures: 0,
        sha256: null,
        expiresAt: null,
      },
    });
  }

  /** Stopping what does not run is no error: it is what was asked for. The film is made after that, and told. */
  stop(id: RecordingId, reason: RecordingEnd): void {
    const recording = this.#running.get(id);
    const facts = this.#known.get(id);
    if (!recording || !facts) return;
    this.#running.delete(id);
    const { bytes, durationMs, pictures } = recording;
    const stopped = { ...facts, reason, bytes, durationMs, pictures, stoppedAt: new Date().toISOString() };
    this.#finish({ ...stopped, state: 'finishing' }, recording);
  }

  /** Its session ends. */
  stopOf(sessionId: string, reason: RecordingEnd): void {
    for (const { recordingId, sessionId: of } of [...this.#known.values()])
      if (of === sessionId) this.stop(recordingId, reason);
  }

  /** @throws AppError `recording.unknown` */
  async read(
    id: RecordingId,
    { offset, length }: { offset: number; length: number },
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#known.get(id)?.state !== 'kept')
      throw new AppError('recording.unknown', 'This node keeps no such recording');
    await using handle = await open(this.#files.film(id), 'r');
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await handle.read(bytes, 0, length, offset);
    return bytes.subarray(0, bytesRead);
  }

  async delete(id: RecordingId): Promise<void> {
    const facts = this.#known.get(id);
    if (!facts || facts.state === 'deleted') return;
    this.stop(id, 'stopped');
    await Promise.all(this.#finishing);
    await this.#files.dropFilm(id);
    await this.#keep({ ...(this.#known.get(id) ?? facts), state: 'deleted' });
  }

  /** The broker knows how it stands; of what is gone nothing need be remembered then. */
  async heard({ recordingId, state }: RecordingTold): Promise<void> {
    if (state !== 'deleted' && state !== 'failed') return;
    this.#known.delete(recordingId);
    await this.#files.forget(recordingId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const id of [...this.#running.keys()]) this.stop(id, 'session-ended');
    await Promise.all(this.#finishing);
  }

  readonly #report = (error: unknown): void => {
    this.#options.log.error({ err: error }, 'a recording was disturbed');
  };

  async #checkSpace(): Promise<void> {
    const { folder, mostBytes, mostKeptBytes } = this.#options;
    const kept = [...this.#known.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    const { bavail, bsize } = await statfs(folder);
    // While a film is made its journal is there too.
    const running = (this.#running.size + 1) * 2 * mostBytes;
    if (kept + running > mostKeptBytes || bavail * bsize < running)
      throw new AppError('recording.no-space', 'The render node has no room for another recording');
  }

  #finish(facts: Facts, recording?: Recording): void {
    const finishing = this.#makeFilm(facts, recording).catch(this.#report);
    this.#finishing.add(finishing);
    void finishing.finally(() => this.#finishing.delete(finishing));
  }

  async #makeFilm(facts: Facts, recording?: Recording): Promise<void> {
    await recording?.close();
    await this.#keep(facts);
    const { recordingId } = facts;
    const stoppedAt = facts.stoppedAt ?? new Date().toISOString();
    const film = await this.#files.finish(recordingId).catch((error: unknown) => {
      this.#report(error);
      return null;
    });
    if (!film) {
      await this.#keep({ ...facts, stoppedAt, state: 'failed' });
      return;
    }
    const { size: bytes } = await stat(this.#files.film(recordingId));
    const expiresAt = new Date(Date.now() + facts.keepSeconds * 1_000).toISOString();
    await this.#keep({ ...facts, ...film, bytes, stoppedAt, expiresAt, state: 'kept' });
  }

  async #keep(facts: Facts): Promise<void> {
    this.#known.set(facts.recordingId, facts);
    await this.#files.save(facts);
    this.events.emit('told', toldOf(facts));
  }

  #expire(): void {
    for (const { recordingId, expiresAt, state } of this.#known.values())
      if (state === 'kept' && expiresAt !== null && Date.parse(expiresAt) <= Date.now())
        void this.delete(recordingId).catch(this.#report);
  }
}
