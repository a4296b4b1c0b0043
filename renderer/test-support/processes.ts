import { readdir, readFile } from 'node:fs/promises';

/** The command lines on this machine that contain a text, without this process's own. */
export async function processesWith(text: string): Promise<string[]> {
  return (await processTable()).map(({ command }) => command).filter((command) => command.includes(text));
}

/** The process ids whose command line contains a text and not another. */
export async function pidsWith(text: string, but: string): Promise<number[]> {
  const found = (await processTable()).filter(
    ({ command }) => command.includes(text) && !command.includes(but),
  );
  return found.map(({ pid }) => pid);
}

async function processTable(): Promise<{ pid: number; command: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== `${process.pid}`);
  return Promise.all(
    pids.map(async (pid) => ({
      pid: Number(pid),
      command: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    })),
  );
}
