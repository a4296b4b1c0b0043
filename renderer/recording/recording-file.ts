import { execFile } from 'node:child_process';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  type RecordingId,
  recordingIdSchema,
  type RecordingTold,
  recordingToldSchema,
} from '@medusa/protocol';
import { z } from 'zod';

const program = fileURLToPath(new URL('program.ts', import.meta.url));
const filmSchema = z.object({ pictures: z.int(), durationMs: z.int(), sha256: z.string() }).nullable();
type FinishedFilm = z.infer<typeof filmSchema>;

/** What is kept of a recording beside its film, for the next agent too. */
const factsSchema = recordingToldSchema.extend({ keepSeconds: z.int().positive() });
export type Facts = z.infer<typeof factsSchema>;

export function toldOf(facts: Facts): RecordingTold {
  return recordingToldSchema.parse(facts);
}

/** The files of a node's recordings: facts, journals while they run, and films. All are for the agent's user alone. */
export class RecordingFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  journal(id: RecordingId): string {
    return path.join(this.#folder, `${id}.journal`);
  }

  film(id: RecordingId): string {
    return path.join(this.#folder, `${id}.mp4`);
  }

  async saved(): Promise<Facts[]> {
    const names = await readdir(this.#folder);
    const ids = names.flatMap((name) => {
      const id = recordingIdSchema.safeParse(path.basename(name, '.json'));
      return name.endsWith('.json') && id.success ? [id.data] : [];
    });
    return Promise.all(
      ids.map(async (id) => factsSchema.parse(JSON.parse(await readFile(this.#facts(id), 'utf8')))),
    );
  }

  async save(facts: Facts): Promise<void> {
    const file = this.#facts(facts.recordingId);
    await writeFile(`${file}.new`, JSON.stringify(facts), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  /** Makes the film of the journal, and only then gives the journal up. Null: nothing was recorded. */
  async finish(id: RecordingId): Promise<FinishedFilm> {
    const unfinished = `${this.film(id)}.new`;
    await rm(unfinished, { force: true });
    const { stdout } = await promisify(execFile)(process.execPath, [program, this.journal(id), unfinished], {
      env: { PATH: '/usr/bin:/bin' },
    });
    const film = filmSchema.parse(JSON.parse(stdout));
    if (film) await rename(unfinished, this.film(id));
    await rm(this.journal(id), { force: true });
    return film;
  }

  /** What was seen; that it was recorded is remembered until the broker knows of its end. */
  async dropFilm(id: RecordingId): Promise<void> {
    for (const file of [this.film(id), `${this.film(id)}.new`, this.journal(id)])
      await rm(file, { force: true });
  }

  async forget(id: RecordingId): Promise<void> {
    await this.dropFilm(id);
    await rm(this.#facts(id), { force: true });
  }

  #facts(id: RecordingId): string {
    return path.join(this.#folder, `${id}.json`);
  }
}
