import { readFileSync } from 'node:fs';
import { descendantsOf } from '../../support/processes.ts';

/** Linux counts processor time in hundredths of a second, on every architecture that is left. */
const ticksPerSecond = 100;

/** Processor time used since the last look by these processes and all below them, s. */
export type CpuMeter = { take(): number };

/** Threads that ended count as their process's; a process that came and went between two looks is missed. */
export function meterCpu(roots: () => readonly number[]): CpuMeter {
  let before = look(roots());
  return {
    take() {
      const now = look(roots());
      const used = [...now].reduce(
        (sum, [pid, ticks]) => sum + Math.max(0, ticks - (before.get(pid) ?? 0)),
        0,
      );
      before = now;
      return used / ticksPerSecond;
    },
  };
}

function look(roots: readonly number[]): Map<number, number> {
  const pids = new Set(roots.flatMap((pid) => [pid, ...descendantsOf(pid).map((child) => child.pid)]));
  return new Map([...pids].map((pid) => [pid, ticksOf(pid)]));
}

function ticksOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0; // It ended while we looked.
  }
}
