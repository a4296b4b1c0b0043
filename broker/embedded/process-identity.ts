import { readFile } from 'node:fs/promises';

/** One process, told apart from a later one with the same number by its start time, and from another boot's. */
export type ProcessIdentity = { readonly pid: number; readonly startTime: string; readonly bootId: string };

/** proc_pid_stat(5): field 3 is the state, field 22 the start time; both come after the name, which may hold anything. */
async function readStat(pid: number): Promise<{ state: string; startTime: string } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readStat(pid);
  return stat && { pid, startTime: stat.startTime, bootId: await readBootId() };
}

/** A zombie has ended: only its exit code is left. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  if (identity.bootId !== (await readBootId())) return false;
  const stat = await readStat(identity.pid);
  return stat?.startTime === identity.startTime && stat.state !== 'Z' && stat.state !== 'X';
}
