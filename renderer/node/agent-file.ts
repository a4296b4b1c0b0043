import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { sweepControlGroups } from '../application/index.ts';

/** `agent.json` of a node's folder: whoever started this agent finds it again by process id and start time. */
const agentFileSchema = z.object({
  pid: z.int(),
  /** Clock ticks since boot, from /proc/<pid>/stat: a process id alone may be another process's by now. */
  processStartTime: z.number(),
  startedAt: z.string(),
  rtcPort: z.int(),
  runFolder: z.string(),
});
type AgentFile = z.infer<typeof agentFileSchema>;

/** The claim of this process to be the one agent of its node folder; released when disposed. */
export class AgentClaim implements AsyncDisposable {
  /** Private to this run, with a short path. */
  readonly runFolder: string;
  readonly #file: string;

  /** Clears up after an agent that died. @throws when another one lives. */
  static async acquire(nodeFolder: string, rtcPort: number): Promise<AgentClaim> {
    await mkdir(nodeFolder, { recursive: true });
    const file = path.join(nodeFolder, 'agent.json');
    const former = await readAgentFile(file);
    if (former && (await startTimeOf(former.pid)) === former.processStartTime)
      throw new Error(`Process ${former.pid} is the agent of ${nodeFolder} already`);
    if (former) await sweep(former);
    const runFolder = await mkdtemp(path.join(tmpdir(), 'medusa-'));
    // The users of sessions pass through it to their own folders, and cannot list it.
    await chmod(runFolder, 0o711);
    const content: AgentFile = {
      pid: process.pid,
      processStartTime: (await startTimeOf(process.pid)) ?? 0,
      startedAt: new Date().toISOString(),
      rtcPort,
      runFolder,
    };
    await writeFile(`${file}.new`, JSON.stringify(content), { mode: 0o600 });
    await rename(`${file}.new`, file);
    return new AgentClaim(file, runFolder);
  }

  private constructor(file: string, runFolder: string) {
    this.#file = file;
    this.runFolder = runFolder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.runFolder, { recursive: true, force: true });
    await rm(this.#file, { force: true });
  }
}

/** Processes of a dead agent die with it; its folders and control groups do not. */
async function sweep(former: AgentFile): Promise<void> {
  const name = path.basename(former.runFolder);
  if (!name.startsWith('medusa-')) return;
  await rm(former.runFolder, { recursive: true, force: true });
  await sweepControlGroups(`${name}-`);
}

async function readAgentFile(file: string): Promise<AgentFile | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return agentFileSchema.parse(JSON.parse(text));
}

async function startTimeOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is a name in parentheses that may hold anything; the 22nd is the start time (proc(5)).
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[19] === undefined ? undefined : Number(fields[19]);
}
