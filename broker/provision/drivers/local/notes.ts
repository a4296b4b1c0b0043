import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** What is known of a machine's process: enough to find it again after the broker, or this computer, was restarted. */
const noteSchema = z.object({
  pid: z.int().positive(),
  startTime: z.string(),
  bootId: z.string(),
  startedAt: z.iso.datetime(),
  /** Absent in notes of before there were owners: whoever finds them is the owner. */
  owner: z.string().optional(),
  incarnation: z.int().default(1),
  name: z.string().default(''),
  operation: z.string().default(''),
  rtcPort: z.int().nullable().default(null),
});
export type Note = z.infer<typeof noteSchema>;

const folderName = /^[A-Za-z0-9_-]{1,64}$/;

/** One note a machine, in the machine's folder. */
export type Notes = {
  dirOf(resource: string): string;
  /** A broken note is none: its process tells by itself what it is. */
  read(resource: string): Promise<Note | undefined>;
  all(): Promise<ReadonlyMap<string, Note>>;
  write(resource: string, note: Note): Promise<void>;
  /** Unless somebody else noted something in the meantime. @returns what is noted now. */
  writeFirst(resource: string, note: Note): Promise<Note>;
  remove(resource: string): Promise<void>;
};

export function openNotes(nodesDir: string): Notes {
  const dirOf = (resource: string): string => join(nodesDir, resource);
  const fileOf = (resource: string): string => join(dirOf(resource), 'process.json');

  const read = async (resource: string): Promise<Note | undefined> => {
    let text: string;
    try {
      text = await readFile(fileOf(resource), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    return parse(text);
  };

  /** Whole or not at all: a half-written note would lose a running process. Others may write at the same time. */
  const writeAside = async (resource: string, note: Note): Promise<string> => {
    await mkdir(dirOf(resource), { recursive: true, mode: 0o700 });
    const file = `${fileOf(resource)}.${randomUUID()}`;
    await writeFile(file, JSON.stringify(note), { mode: 0o600 });
    return file;
  };

  return {
    dirOf,
    read,
    async all() {
      const entries = await readdir(nodesDir).catch(() => []);
      const notes = await Promise.all(
        entries
          .filter((entry) => folderName.test(entry))
          .map(async (entry) => [entry, await read(entry).catch(() => undefined)] as const),
      );
      return new Map(notes.flatMap(([entry, note]) => (note ? [[entry, note] as const] : [])));
    },
    write: async (resource, note) => rename(await writeAside(resource, note), fileOf(resource)),
    async writeFirst(resource, note) {
      const file = await writeAside(resource, note);
      try {
        await link(file, fileOf(resource));
        return note;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const first = await read(resource);
        if (first) return first;
        await rename(file, fileOf(resource));
        return note;
      } finally {
        await rm(file, { force: true });
      }
    },
    async remove(resource) {
      const entries = await readdir(dirOf(resource)).catch(() => []);
      // With what a broker that was killed left aside.
      const ours = entries.filter((entry) => entry.startsWith('process.json'));
      await Promise.all(ours.map(async (entry) => rm(join(dirOf(resource), entry), { force: true })));
    },
  };
}

function parse(text: string): Note | undefined {
  try {
    return noteSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
