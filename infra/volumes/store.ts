import { mkdir, open, readdir, readFile, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { hostTagSchema } from '@medusa/protocol';
import { z } from 'zod';
import { HostError } from '../host/host-error.ts';
import type { Run } from '../host/run.ts';

const noteSchema = z.object({
  id: z.string(),
  tag: hostTagSchema,
  sizeMiB: z.int(),
  volume: z.string().nullable(),
  attachedTo: z.object({ machine: z.string(), link: z.string().nullable() }).nullable(),
  createdAt: z.iso.datetime(),
});
/** What is known of a volume or a snapshot besides its bytes. */
export type Note = z.infer<typeof noteSchema>;
export type Kind = 'volume' | 'snapshot';

/** A copy may take its time: 100 GB at 100 MB/s. */
const copyLimitMs = 20 * 60_000;

/**
 * A folder a thing: its bytes (`disk`) and its note. It is made aside and renamed into its place, so that it is there whole or
 * not at all; what was begun and not finished is removed by the next command.
 */
export type Store = {
  diskOf(kind: Kind, id: string): string;
  read(kind: Kind, id: string): Promise<Note | undefined>;
  all(kind: Kind): Promise<readonly Note[]>;
  /** `source`: the file whose bytes it starts with. */
  make(kind: Kind, note: Note, source: string | null): Promise<void>;
  update(kind: Kind, note: Note): Promise<void>;
  /** Puts other bytes in the place of a volume's. */
  replaceDisk(id: string, source: string): Promise<void>;
  remove(kind: Kind, id: string): Promise<void>;
  /** Whether copies share blocks here (FICLONE): then one is made in a moment, of a disk in use, too. */
  canShareBlocks(): Promise<boolean>;
  sweep(): Promise<void>;
};

export function openStore(dir: string, run: Run): Store {
  const folderOf = (kind: Kind, id: string): string => path.join(dir, `${kind}s`, id);
  const diskOf = (kind: Kind, id: string): string => path.join(folderOf(kind, id), 'disk');
  const asideOf = (id: string): string => path.join(dir, 'aside', id);

  const copy = async (source: string, target: string): Promise<void> => {
    await run('cp', ['--reflink=auto', '--sparse=always', '--', source, target], { limitMs: copyLimitMs });
    await syncFile(target);
  };

  return {
    diskOf,
    async read(kind, id) {
      const text = await readFile(path.join(folderOf(kind, id), 'note.json'), 'utf8').catch(
        (error: unknown) => {
          if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
          throw error;
        },
      );
      return text === undefined ? undefined : noteSchema.parse(JSON.parse(text));
    },
    async all(kind) {
      const ids = await readdir(path.join(dir, `${kind}s`)).catch(() => []);
      const notes = await Promise.all(ids.sort().map(async (id) => this.read(kind, id)));
      return notes.filter((note) => note !== undefined);
    },
    async make(kind, note, source) {
      const aside = asideOf(note.id);
      await mkdir(aside, { recursive: true, mode: 0o700 });
      await mkdir(path.dirname(folderOf(kind, note.id)), { recursive: true, mode: 0o700 });
      await demandRoom(dir, note.sizeMiB);
      const disk = path.join(aside, 'disk');
      if (source !== null) await copy(source, disk);
      const file = await open(disk, 'a', 0o600);
      try {
        await file.truncate(note.sizeMiB * 1024 * 1024);
        await file.sync();
      } finally {
        await file.close();
      }
      await writeNote(aside, note);
      await rename(aside, folderOf(kind, note.id));
      await syncFile(path.dirname(folderOf(kind, note.id)));
    },
    update: async (kind, note) => writeNote(folderOf(kind, note.id), note),
    async replaceDisk(id, source) {
      const aside = path.join(folderOf('volume', id), 'disk.new');
      await copy(source, aside);
      await rename(aside, diskOf('volume', id));
      await syncFile(folderOf('volume', id));
    },
    // First out of sight: a half-removed one would be a broken volume.
    async remove(kind, id) {
      await mkdir(path.join(dir, 'aside'), { recursive: true, mode: 0o700 });
      await rename(folderOf(kind, id), asideOf(id));
      await rm(asideOf(id), { recursive: true });
    },
    async canShareBlocks() {
      const [one, two] = [path.join(dir, 'aside', '.one'), path.join(dir, 'aside', '.two')];
      await mkdir(path.dirname(one), { recursive: true, mode: 0o700 });
      const file = await open(one, 'w', 0o600);
      await file.close();
      return run('cp', ['--reflink=always', '--', one, two]).then(
        () => true,
        () => false,
      );
    },
    sweep: async () => rm(path.join(dir, 'aside'), { recursive: true, force: true }),
  };
}

async function writeNote(folder: string, note: Note): Promise<void> {
  const file = path.join(folder, 'note.json');
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(JSON.stringify(note));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Files are sparse, but a promise of more than there is would break when it is used. */
async function demandRoom(dir: string, sizeMiB: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  if (bavail * bsize < sizeMiB * 1024 * 1024)
    throw new HostError(
      'capacity',
      `${dir} has ${Math.floor((bavail * bsize) / 2 ** 20)} MiB left, not ${sizeMiB}`,
    );
}
