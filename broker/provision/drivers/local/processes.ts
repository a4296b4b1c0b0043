import { spawn } from 'node:child_process';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identifyProcess, isRunning, type ProcessIdentity } from '../../../embedded/index.ts';

/** By this variable a process tells whose it is, should its note be missing. */
export const machineVariable = 'MEDUSA_MACHINE';

const pollMs = 50;

/** Starts a session leader that goes on when this process ends; its output goes to the end of `logFile`. */
export async function startDetached(
  command: readonly [string, ...string[]],
  {
    dir,
    logFile,
    environment,
  }: { dir: string; logFile: string; environment: Readonly<Record<string, string>> },
): Promise<ProcessIdentity | undefined> {
  const [program, ...args] = command;
  const log = await open(logFile, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      cwd: dir,
      detached: true,
      env: environment,
      stdio: ['ignore', log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    return child.pid === undefined ? undefined : await identifyProcess(child.pid);
  } finally {
    await log.close();
  }
}

/** Asks it to end, then ends it with its whole group: the agent's children must not outlive it either. */
export async function endProcess(
  identity: ProcessIdentity,
  { stopMs, signal }: { stopMs: number; signal: AbortSignal },
): Promise<void> {
  for (const [target, name] of [
    [identity.pid, 'SIGTERM'],
    [-identity.pid, 'SIGKILL'],
  ] as const) {
    if (!(await isRunning(identity))) return;
    try {
      process.kill(target, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    const deadline = Date.now() + stopMs;
    while (Date.now() < deadline && (await isRunning(identity))) await delay(pollMs, undefined, { signal });
  }
}

/** Processes with that very command line and the variable, whoever noted them: what they say of themselves. */
export async function findMachines(
  command: readonly string[],
): Promise<{ readonly machine: string; readonly identity: ProcessIdentity }[]> {
  const wanted = `${command.join('\0')}\0`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const commandLine = await readFile(join('/proc', pid, 'cmdline'), 'latin1').catch(() => '');
      if (commandLine !== wanted) return [];
      const environment = await readFile(join('/proc', pid, 'environ'), 'utf8').catch(() => '');
      const line = environment.split('\0').find((text) => text.startsWith(`${machineVariable}=`));
      const identity = line === undefined ? undefined : await identifyProcess(Number(pid));
      return line !== undefined && identity
        ? [{ machine: line.slice(machineVariable.length + 1), identity }]
        : [];
    }),
  );
  return found.flat();
}
