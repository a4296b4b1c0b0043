import { readFileSync } from 'node:fs';

/** A pid and the kernel's start time of that process: together they never name another process by accident. */
export type ProcessIdentity = { readonly pid: number; readonly startTime: string };

/** Undefined when there is no such process (or only its zombie). Linux, proc(5). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    return { pid, startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

export function isRunning(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startTime === identity.startTime;
}
