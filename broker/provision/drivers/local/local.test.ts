import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../support/wait.ts';
import { describeProviderDriver, type DriverUnderTest } from '../../port/driver.contract.ts';
import { nameOf, type MachineRequest, type Operation } from '../../port/index.ts';
import { openLocalDriver } from './index.ts';
import { localImage, localSize } from './machines.ts';
import { openNotes } from './notes.ts';

const agent = join(import.meta.dirname, '../../../support/fake-agent.mjs');
const machine: MachineRequest = {
  ...{ image: localImage, size: localSize, zone: null },
  ...{ networkRefs: [], securityGroupRefs: [], keyName: null },
  guest: { environment: { GREETING: 'hello' }, userData: '' },
};

type LocalUnderTest = DriverUnderTest & { readonly nodesDir: string };

async function startProvider(...flags: string[]): Promise<LocalUnderTest> {
  const nodesDir = await mkdtemp(join(tmpdir(), 'medusa-nodes-'));
  const command = [process.execPath, agent, ...flags] as const;
  return {
    nodesDir,
    machine,
    open: async () => openLocalDriver({ nodesDir, command, stopMs: 1_000, rtcPort: 44_444 }),
    count: async () => (await processesIn(nodesDir)).length,
    async breakMachine(ref) {
      const [resource = ''] = ref.split('/');
      for (const { pid, cwd } of await processesIn(nodesDir))
        if (cwd.endsWith(`/${resource}`)) process.kill(pid, 'SIGKILL');
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

describeProviderDriver('local', async () => startProvider());

describe('a process of this computer', () => {
  const tag = { owner: 'tester01', resource: 'render-1', incarnation: 1 };
  const name = nameOf('machine', tag);
  const operation = (): Operation => ({ id: 'op-1', signal: AbortSignal.timeout(30_000) });
  let provider: LocalUnderTest | undefined;
  afterEach(async () => provider?.[Symbol.asyncDispose]());

  const note = (nodesDir: string): string => join(nodesDir, tag.resource, 'process.json');

  it('is a session leader with only the environment that it was given, and what tells whose it is', async () => {
    provider = await startProvider();
    const driver = await provider.open();
    await driver.machines.create(machine, tag, name, operation());
    const [running] = await processesIn(provider.nodesDir);
    const environment = (await readFile(`/proc/${running?.pid ?? 0}/environ`, 'utf8'))
      .split('\0')
      .filter(Boolean);

    expect(environment.sort()).toEqual([
      'GREETING=hello',
      `MEDUSA_MACHINE=tester01 render-1 1 ${provider.nodesDir}`,
      `MEDUSA_NODE_DIR=${join(provider.nodesDir, 'render-1')}`,
      'MEDUSA_RTC_PORT=44444',
    ]);
  });

  it('is told the address of its media when the provider has one of its own', async () => {
    provider = await startProvider();
    const { nodesDir } = provider;
    const command = [process.execPath, agent] as const;
    const settings = { nodesDir, command, stopMs: 1_000, rtcPort: 0, rtcAddress: '127.0.0.2' };
    await using driver = openLocalDriver(settings);
    await driver.machines.create(machine, tag, name, operation());
    const [running] = await processesIn(nodesDir);

    expect(await readFile(`/proc/${running?.pid ?? 0}/environ`, 'utf8')).toContain(
      'MEDUSA_RTC_ADDRESS=127.0.0.2\0',
    );
  });

  it('that does not listen is ended all the same', async () => {
    provider = await startProvider('--deaf');
    const driver = await provider.open();
    const { ref } = await driver.machines.create(machine, tag, name, operation());
    const readyFile = join(provider.nodesDir, tag.resource, 'ready');
    await waitFor('the agent to be deaf', () => (existsSync(readyFile) ? true : undefined));

    await driver.machines.destroy(ref, operation());

    expect(await provider.count('machine')).toBe(0);
  });

  it('is not mistaken for another with the same number', async () => {
    provider = await startProvider();
    const driver = await provider.open();
    const { ref } = await driver.machines.create(machine, tag, name, operation());
    const file = note(provider.nodesDir);
    const noted = JSON.parse(await readFile(file, 'utf8')) as object;
    await driver.machines.destroy(ref, operation());
    // Process 1 runs, and is none of ours.
    await writeFile(file, JSON.stringify({ ...noted, pid: 1 }));

    expect(await driver.machines.get(ref, operation().signal)).toMatchObject({ state: 'terminated' });
  });

  it('whose note was lost in a crash is found by what it says of itself, and not started twice', async () => {
    provider = await startProvider();
    await (await provider.open()).machines.create(machine, tag, name, operation());
    await rm(note(provider.nodesDir));

    const driver = await provider.open();
    await driver.machines.create(machine, tag, name, operation());

    expect(await provider.count('machine')).toBe(1);
    expect(await driver.machines.list(tag.owner, operation().signal)).toMatchObject([
      { tag, state: 'running' },
    ]);
  });

  it('is found by what it says of itself where its note is broken', async () => {
    provider = await startProvider();
    const driver = await provider.open();
    await driver.machines.create(machine, tag, name, operation());
    await appendFile(note(provider.nodesDir), '}');

    expect(await driver.machines.list(tag.owner, operation().signal)).toMatchObject([
      { tag, state: 'running' },
    ]);
    const { ref } = await driver.machines.create(machine, tag, name, operation());
    expect(await provider.count('machine')).toBe(1);

    await driver.machines.destroy(ref, operation());
    expect(await readdir(join(provider.nodesDir, tag.resource))).not.toContain('process.json');
  });

  it('is noted whole, and once, when many write at once', async () => {
    provider = await startProvider();
    const notes = openNotes(provider.nodesDir);
    const noted = { pid: 7, startTime: '1', bootId: 'b', startedAt: new Date().toISOString() };
    const wholes = Array.from({ length: 40 }, (_, index) => ({
      ...noted,
      ...{ incarnation: 1, operation: '', rtcPort: null, owner: 'o', name: 'n'.repeat(index * 10) },
    }));

    const first = await Promise.all(wholes.map(async (each) => notes.writeFirst('render-1', each)));
    expect(new Set(first.map(({ name: each }) => each)).size).toBe(1);
    expect(await notes.read('render-1')).toEqual(first[0]);

    await Promise.all(wholes.map(async (each) => notes.write('render-1', each)));
    expect(wholes).toContainEqual(await notes.read('render-1'));
    expect(await readdir(join(provider.nodesDir, 'render-1'))).toEqual(['process.json']);
  });

  it('of before there were owners is anybody’s who finds it', async () => {
    provider = await startProvider();
    const driver = await provider.open();
    await driver.machines.create(machine, tag, name, operation());
    const file = note(provider.nodesDir);
    const { pid, startTime, bootId, startedAt } = JSON.parse(await readFile(file, 'utf8')) as Record<
      string,
      unknown
    >;
    await writeFile(file, JSON.stringify({ pid, startTime, bootId, startedAt }));

    expect(await driver.machines.list('another1', operation().signal)).toMatchObject([
      { tag: { owner: 'another1', resource: 'render-1', incarnation: 1 }, state: 'running' },
    ]);
  });

  it('gets the next media port', async () => {
    provider = await startProvider();
    const driver = await provider.open();
    for (const resource of ['render-1', 'render-2', 'other-1'])
      await driver.machines.create(machine, { ...tag, resource }, resource, operation());
    const ports = await Promise.all(
      (await processesIn(provider.nodesDir)).map(async ({ pid, cwd }) => {
        const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
        return [cwd.split('/').at(-1), /MEDUSA_RTC_PORT=(\d+)/.exec(environment)?.[1]];
      }),
    );

    expect(Object.fromEntries(ports)).toEqual({
      'render-1': '44444',
      'render-2': '44445',
      'other-1': '44446',
    });
  });
});
