import { accessSync, constants } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Where this machine lets us limit memory, and by which file; undefined when nowhere. */
export type MemoryController = { readonly root: string; readonly limitFile: string };

const version2 = '/sys/fs/cgroup';
const version1 = '/sys/fs/cgroup/memory';

export async function findMemoryController(): Promise<MemoryController | undefined> {
  const controllers = await readFile(path.join(version2, 'cgroup.subtree_control'), 'utf8').catch(() => '');
  const found = controllers.split(/\s+/).includes('memory')
    ? { root: version2, limitFile: 'memory.max' }
    : { root: version1, limitFile: 'memory.limit_in_bytes' };
  try {
    accessSync(path.join(found.root, 'cgroup.procs'), constants.W_OK);
    return found;
  } catch {
    return undefined;
  }
}

/** A control group that holds one application to its memory. */
export class MemoryLimit implements AsyncDisposable {
  readonly folder: string;

  static async create(controller: MemoryController, name: string, memoryMiB: number): Promise<MemoryLimit> {
    const folder = path.join(controller.root, name);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, controller.limitFile), `${memoryMiB * 2 ** 20}`);
    return new MemoryLimit(folder);
  }

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** The command in front of another that puts it into the group before it runs. */
  get wrapper(): readonly string[] {
    return ['/bin/sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', this.folder];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeControlGroup(this.folder);
  }
}

/** The kernel empties a group a moment after its last process is reaped. */
async function removeControlGroup(folder: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || attempt >= 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Removes the groups that an agent which died has left. */
export async function sweepControlGroups(prefix: string): Promise<void> {
  const controller = await findMemoryController();
  if (!controller) return;
  const names = await readdir(controller.root);
  for (const name of names.filter((candidate) => candidate.startsWith(prefix)))
    await removeControlGroup(path.join(controller.root, name));
}
