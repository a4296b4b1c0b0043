import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeProviderDriver, type DriverUnderTest } from '../../port/driver.contract.ts';
import { nameOf, type MachineRequest, type Operation, type ProviderDriver } from '../../port/index.ts';
import { definition } from './index.ts';
import { systemdEnvironment } from './on-host.ts';
import { startSshStandIn, type SshStandIn } from './ssh.stand-in.ts';

const agent = join(import.meta.dirname, '../../../support/fake-agent.mjs');
const secret = 'it\'s $HOME `of` "mine"\nand more';
const machine: MachineRequest = {
  ...{ image: 'agent', size: 'host', zone: null },
  ...{ networkRefs: [], securityGroupRefs: [], keyName: null },
  guest: { environment: { JOIN_TOKEN: secret }, userData: '' },
};

type SshUnderTest = DriverUnderTest & {
  readonly server: SshStandIn;
  readonly dir: string;
  openWith(given: object): Promise<ProviderDriver>;
};

async function startProvider(): Promise<SshUnderTest> {
  const server = await startSshStandIn();
  const dir = await mkdtemp(join(tmpdir(), 'medusa-ssh-'));
  const openWith = async (given: object): Promise<ProviderDriver> => {
    const settings = definition.settingsSchema.parse({
      ...{ host: '127.0.0.1', port: server.port, fingerprint: server.fingerprint, dir },
      ...{ node: [process.execPath], command: [process.execPath, agent], stopMs: 2_000, rtcPort: 0 },
      ...given,
    });
    const credentials = definition.credentialsSchema.parse({ privateKey: server.privateKey });
    return definition.open(settings, credentials, undefined as never);
  };
  const end = async (folder: string): Promise<void> => {
    for (const { pid, cwd } of await processesIn(dir))
      if (cwd.startsWith(folder)) process.kill(pid, 'SIGKILL');
  };
  return {
    ...{ server, dir, machine, openWith },
    open: async () => openWith({}),
    count: async () => (await processesIn(dir)).length,
    breakMachine: async (ref) => end(join(dir, ref)),
    async [Symbol.asyncDispose]() {
      await end(dir);
      await expect.poll(async () => processesIn(dir), { timeout: 10_000 }).toEqual([]);
      await server[Symbol.asyncDispose]();
      await rm(dir, { recursive: true });
    },
  };
}

/** Told by /proc alone: an agent runs in the folder of its machine. */
async function processesIn(dir: string): Promise<{ pid: number; cwd: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => ({ pid, cwd: await readlink(`/proc/${pid}/cwd`).catch(() => '') })),
  );
  return found.filter(({ cwd }) => cwd.startsWith(dir));
}

describeProviderDriver('ssh', async () => startProvider());

describe('a computer reached by SSH', () => {
  const tag = { owner: 'tester01', resource: 'render-1', incarnation: 1 };
  const name = nameOf('machine', tag);
  const operation = (): Operation => ({ id: 'op-1', signal: AbortSignal.timeout(30_000) });
  let provider: SshUnderTest;
  let driver: ProviderDriver;
  beforeEach(async () => {
    provider = await startProvider();
    driver = await provider.open();
  });
  afterEach(async () => {
    await driver[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  });

  it('is not believed when it shows another host key, and gets no signature of ours', async () => {
    const fingerprint = `SHA256:${'A'.repeat(43)}`;
    await using stranger = await provider.openWith({ fingerprint });

    await expect(stranger.probe(operation().signal)).rejects.toMatchObject({
      fault: 'auth',
      message: expect.stringContaining(provider.server.fingerprint) as string,
    });
    expect(provider.server.commandLines).toEqual([]);
  });

  it('that refuses the key says so', async () => {
    const settings = definition.settingsSchema.parse({
      ...{ host: '127.0.0.1', port: provider.server.port, fingerprint: provider.server.fingerprint },
    });
    const open = async (privateKey: string): Promise<ProviderDriver> =>
      definition.open(settings, { privateKey }, undefined as never);
    await using refused = await open(provider.server.otherKey);
    await using broken = await open('no key at all');

    await expect(refused.probe(operation().signal)).rejects.toMatchObject({ fault: 'auth' });
    await expect(broken.probe(operation().signal)).rejects.toMatchObject({ fault: 'auth' });
  });

  it('is never set up without the fingerprint of its key', () => {
    expect(definition.settingsSchema.safeParse({ host: '127.0.0.1' }).success).toBe(false);
  });

  it('gives the agent its environment to the letter, and no command line a word of it', async () => {
    await driver.machines.create(machine, tag, name, operation());
    const [running] = await processesIn(provider.dir);
    const environment = (await readFile(`/proc/${running?.pid ?? 0}/environ`, 'utf8'))
      .split('\0')
      .filter(Boolean)
      .sort();

    expect(environment).toEqual([
      `JOIN_TOKEN=${secret}`,
      `MEDUSA_MACHINE=${provider.dir}/${name}`,
      `MEDUSA_NODE_DIR=${provider.dir}/${name}`,
      'MEDUSA_RTC_PORT=0',
    ]);
    expect(await readFile(`/proc/${running?.pid ?? 0}/cmdline`, 'utf8')).not.toContain('mine');
    expect(provider.server.commandLines.join()).not.toContain('mine');
    expect((await stat(`${provider.dir}/${name}/environment.json`)).mode & 0o777).toBe(0o600);
    expect((await stat(`${provider.dir}/${name}`)).mode & 0o777).toBe(0o700);
  });

  it('does not know whether a machine was made when the connection breaks, and finds out by looking', async () => {
    await driver.probe(operation().signal);
    provider.server.breakAfter = 'command';
    await expect(driver.machines.create(machine, tag, name, operation())).rejects.toMatchObject({
      fault: 'unknown-outcome',
    });
    provider.server.breakAfter = undefined;

    expect(await driver.machines.list(tag.owner, operation().signal)).toMatchObject([
      { ref: name, state: 'running' },
    ]);
    await driver.machines.create(machine, tag, name, operation());
    expect(await provider.count('machine')).toBe(1);
  });

  it('makes one machine of many requests at the same moment, and gives others ports of their own', async () => {
    await using ported = await provider.openWith({ rtcPort: 40_000 });
    const create = async (resource: string): Promise<string> => {
      const own = { ...tag, resource };
      return (await ported.machines.create(machine, own, nameOf('machine', own), operation())).ref;
    };

    const refs = await Promise.all(
      [...Array<string>(4).fill('render-1'), 'render-2', 'render-3'].map(create),
    );

    expect(new Set(refs).size).toBe(3);
    expect(await provider.count('machine')).toBe(3);
    const notes = await Promise.all(
      [...new Set(refs)].map(async (ref) => readFile(`${provider.dir}/${ref}/process.json`, 'utf8')),
    );
    const ports = notes.map((note) => (JSON.parse(note) as { rtcPort: number }).rtcPort);
    expect(ports.toSorted((one, other) => one - other)).toEqual([40_000, 40_001, 40_002]);
  });

  it('is reached anew after its server was restarted', async () => {
    await driver.machines.create(machine, tag, name, operation());
    provider.server.drop();
    await expect
      .poll(async () => driver.machines.get(name, operation().signal).catch(() => undefined), {
        timeout: 10_000,
      })
      .toMatchObject({ state: 'running' });
  });

  it('finds a process again whose note could not be written', async () => {
    await driver.machines.create(machine, tag, name, operation());
    const file = `${provider.dir}/${name}/process.json`;
    await writeFile(
      file,
      JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), process: null }),
    );

    expect(await driver.machines.get(name, operation().signal)).toMatchObject({ state: 'running' });
    await driver.machines.create(machine, tag, name, operation());
    expect(await provider.count('machine')).toBe(1);
    await driver.machines.destroy(name, operation());
    expect(await provider.count('machine')).toBe(0);
  });

  it('tells a machine of before a restart of the computer from one whose process ended', async () => {
    await driver.machines.create(machine, tag, name, operation());
    const file = `${provider.dir}/${name}/process.json`;
    const note = JSON.parse(await readFile(file, 'utf8')) as { process: object };
    await writeFile(file, JSON.stringify({ ...note, process: { ...note.process, bootId: 'another' } }));

    expect(await driver.machines.get(name, operation().signal)).toMatchObject({
      state: 'terminated',
      detail: 'The host was started anew since',
    });
    await writeFile(file, JSON.stringify(note));
  });

  it('takes no name that leads out of its folder', async () => {
    await mkdir(join(provider.dir, 'kept'));
    await driver.machines.destroy('../medusa', operation());
    await driver.machines.destroy(`x/../kept`, operation());
    await expect(driver.machines.act('../kept', 'stop', operation())).rejects.toMatchObject({
      fault: 'not-found',
    });
    expect(await readdir(provider.dir)).toEqual(['kept']);
  });

  it('tells its processors, memory and what it printed', async () => {
    const { sizes } = await driver.catalog(operation().signal);
    expect(sizes).toEqual([expect.objectContaining({ id: 'host', cpus: expect.any(Number) as number })]);
    await driver.machines.create(machine, tag, name, operation());
    await writeFile(`${provider.dir}/${name}/node.log`, 'ready\n');
    expect(await driver.machines.console?.(name, operation().signal)).toEqual({
      kind: 'text',
      text: 'ready\n',
    });
  });
});

describe("systemd's environment file", () => {
  it('escapes what its quotes would read', () => {
    expect(systemdEnvironment({ A: 'a "b" $c `d` \\', PEM: 'one\ntwo' })).toBe(
      'A="a \\"b\\" \\$c \\`d\\` \\\\"\nPEM="one\ntwo"\n',
    );
  });
});
