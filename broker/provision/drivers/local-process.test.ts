import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeIdSchema } from '@medusa/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait.ts';
import { describeProviderDriver, type DriverUnderTest } from '../driver.contract.ts';
import { openLocalProcessDriver } from './local-process.ts';

const agent = join(import.meta.dirname, '../../support/fake-agent.mjs');
const need = { environment: { GREETING: 'hello' } };

async function startProvider(...flags: string[]): Promise<DriverUnderTest & { readonly nodesDir: string }> {
  const nodesDir = await mkdtemp(join(tmpdir(), 'medusa-nodes-'));
  const open = (): ReturnType<typeof openLocalProcessDriver> =>
    openLocalProcessDriver({ nodesDir, command: [process.execPath, agent, ...flags], stopMs: 1_000 });
  return {
    nodesDir,
    open,
    need,
    countRunning: async () => (await processesIn(nodesDir)).length,
    async crash(id) {
      for (const { pid, cwd } of await processesIn(nodesDir))
        if (cwd.endsWith(`/${id}`)) process.kill(pid, 'SIGKILL');
    },
    async [Symbol.asyncDispose]() {
      for (const { pid } of await processesIn(nodesDir)) process.kill(pid, 'SIGKILL');
      await waitFor('the agents to end', async () =>
        (await processesIn(nodesDir)).length === 0 ? true : undefined,
      );
      await rm(nodesDir, { recursive: true, force: true });
    },
  };
}

/** Told by /proc alone: an agent runs in the folder of its node. */
async function processesIn(dir: string): Promise<{ pid: number; cwd: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => ({ pid, cwd: await readlink(`/proc/${pid}/cwd`).catch(() => '') })),
  );
  return found.filter(({ cwd }) => cwd.startsWith(dir));
}

describeProviderDriver('local-process', async () => startProvider());

describe('a local process', () => {
  const id = nodeIdSchema.parse('node-a');
  const signal = AbortSignal.timeout(30_000);
  let provider: Awaited<ReturnType<typeof startProvider>> | undefined;
  afterEach(async () => provider?.[Symbol.asyncDispose]());

  it('is a session leader with only the environment that it was given', async () => {
    provider = await startProvider();
    await provider.open().acquire(id, need, signal);
    const [running] = await processesIn(provider.nodesDir);
    const environment = (await readFile(`/proc/${running?.pid ?? 0}/environ`, 'utf8'))
      .split('\0')
      .filter(Boolean);

    expect(environment.sort()).toEqual(['GREETING=hello', `MEDUSA_NODE_DIR=${join(provider.nodesDir, id)}`]);
  });

  it('that does not listen is ended all the same', async () => {
    provider = await startProvider('--deaf');
    const driver = provider.open();
    await driver.acquire(id, need, signal);
    const readyFile = join(provider.nodesDir, id, 'ready');
    await waitFor('the agent to be deaf', () => (existsSync(readyFile) ? true : undefined));

    await driver.release(id, signal);

    expect(await provider.countRunning()).toBe(0);
  });

  it('is not mistaken for another with the same number', async () => {
    provider = await startProvider();
    const driver = provider.open();
    await driver.acquire(id, need, signal);
    const note = join(provider.nodesDir, id, 'process.json');
    const { writeFile } = await import('node:fs/promises');
    await writeFile(
      note,
      JSON.stringify({ ...(JSON.parse(await readFile(note, 'utf8')) as object), startTime: '1' }),
    );

    expect(await driver.inspect(id, signal)).toMatchObject({ state: 'lost' });
  });
});
