import { readFileSync } from 'node:fs';
import { open, truncate } from 'node:fs/promises';

const chunkBytes = 16 * 1024 * 1024;

export type MemoryFiller = AsyncDisposable & { fill(): Promise<void> };

/**
 * Fills the memory of a virtual machine with what was read, as that of every machine is after a day. Free memory of such a machine may be lent to
 * others by its host, and whoever writes a file into it is charged for having it given back: up to four times the work of writing.
 * @param path of a file to be made: it has length, and nothing on the disk
 */
export async function openMemoryFiller(path: string): Promise<MemoryFiller> {
  const file = await open(path, 'w+', 0o600);
  await truncate(path, 2 ** 42);
  const chunk = Buffer.alloc(chunkBytes);
  const isVirtual = /^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  let at = 0;
  return {
    async fill() {
      // As much as is free now: the system keeps some free whatever is read.
      const end = at + (isVirtual ? freeBytes() : 0);
      while (at < end) at += (await file.read(chunk, 0, chunkBytes, at)).bytesRead;
    },
    [Symbol.asyncDispose]: async () => file.close(),
  };
}

function freeBytes(): number {
  return Number(/^MemFree:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1_024;
}
