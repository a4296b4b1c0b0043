import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { driverDefinitions } from '@medusa/broker/provision/drivers';
import { describeProviderDriver, type DriverUnderTest } from '@medusa/broker/provision/contract';
import type { ProviderDriver } from '@medusa/broker/provision/port';
import { networkSpecSchema, type ResourceKind } from '@medusa/protocol';
import { describe, expect } from 'vitest';
import { end, inside, ip, Lab } from '../host-network/lab.ts';
import { requirePackages } from '../support/peer.ts';

const execute = promisify(execFile);
const root = path.join(import.meta.dirname, '../../..');
const agent = path.join(root, 'broker/support/fake-agent.mjs');
const missing =
  process.getuid?.() === 0
    ? requirePackages('openssh-server', 'dnsmasq-base', 'nftables', 'iproute2', 'iputils-arping')
    : 'root';

/** A plain host in a namespace, and OpenSSH's own server for it: one process a connection, as from inetd(8). */
async function startHost(): Promise<DriverUnderTest> {
  const lab = await Lab.open();
  const namespace = await lab.namespace('host');
  const client = await lab.namespace('client');
  await lab.cable({ at: client, name: 'eth0' }, { at: namespace, name: 'up0' });
  await ip(namespace, 'addr add 192.0.2.2/24 dev up0');
  const { port, fingerprint, privateKey } = await startSshd(lab, namespace);
  const nodesDir = path.join(lab.base, 'nodes');
  const volumesDir = path.join(lab.base, 'volumes');
  const stateDir = path.join(lab.base, 'network');
  const settings = {
    ...{ host: '127.0.0.1', port, user: 'root', fingerprint, rtcPort: 0, stopMs: 2_000 },
    ...{ node: [process.execPath], command: [process.execPath, agent], dir: nodesDir },
    network: {
      program: [process.execPath, path.join(root, 'infra/network/main.ts')],
      ...{ stateDir, backend: 'bridge', uplink: 'up0', addressPools: { front: ['192.0.2.64/28'] } },
    },
    volumes: { program: [process.execPath, path.join(root, 'infra/volumes/main.ts')], dir: volumesDir },
  };
  const open = async (): Promise<ProviderDriver> => {
    const definition = await driverDefinitions.ssh?.();
    if (!definition) throw new Error('There is no driver for ssh');
    return definition.open(definition.settingsSchema.parse(settings), { privateKey }, undefined as never);
  };
  const spec = networkSpecSchema.parse({
    kind: 'network',
    tenant: 'a',
    type: 'flat',
    cidrs: ['10.78.0.0/24', 'fd78::/64'],
  });
  await using driver = await open();
  const operation = { id: 'base', signal: AbortSignal.timeout(60_000) };
  const base = await driver.networks?.create(
    spec,
    { owner: 'lab', resource: 'base', incarnation: 1 },
    'lab-base',
    operation,
  );
  const machines = async (): Promise<{ pid: number; cwd: string }[]> => processesIn(nodesDir);
  lab.defer(async () => {
    for (const { pid } of await machines()) process.kill(pid, 'SIGKILL');
    await expect.poll(machines, { timeout: 10_000 }).toEqual([]);
    await clearHost(namespace, settings.network.program, {
      stateDir,
      backend: 'bridge',
      uplink: 'up0',
    });
  });
  return {
    open,
    machine: {
      ...{ image: 'agent', size: 'host', zone: null, networkRefs: [base?.ref ?? ''], securityGroupRefs: [] },
      ...{ keyName: null, guest: { environment: { GREETING: 'hello' }, userData: '' } },
    },
    network: { ...spec, cidrs: ['10.79.0.0/24', 'fd79::/64'] },
    volume: { sizeGiB: 1, type: null, zone: null, source: { kind: 'blank' } },
    from: 'front',
    timeoutMs: 90_000,
    async count(kind: ResourceKind) {
      if (kind === 'machine') return (await machines()).length;
      if (kind === 'volume' || kind === 'snapshot')
        return (await readdir(path.join(volumesDir, `${kind}s`)).catch(() => [])).length;
      if (kind === 'network') return ((await ip(namespace, '-br link show')).match(/^mb-/gm) ?? []).length;
      const journal = JSON.parse(await readFile(path.join(stateDir, 'journal.json'), 'utf8')) as {
        addresses: unknown[];
        groups: unknown[];
      };
      const entries = kind === 'address' ? journal.addresses : journal.groups;
      return entries.length;
    },
    async breakMachine(ref) {
      for (const { pid, cwd } of await machines())
        if (cwd === path.join(nodesDir, ref)) process.kill(pid, 'SIGKILL');
    },
    [Symbol.asyncDispose]: async () => lab[Symbol.asyncDispose](),
  };
}

async function startSshd(
  lab: Lab,
  namespace: string,
): Promise<{ port: number; fingerprint: string; privateKey: string }> {
  const file = (name: string): string => path.join(lab.base, name);
  for (const name of ['host-key', 'user-key'])
    await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file(name)]);
  await execute('cp', [file('user-key.pub'), file('authorized')]);
  // Where the unprivileged half is confined; the package leaves it to whoever starts the service.
  if (!existsSync('/run/sshd')) await mkdir('/run/sshd', { mode: 0o755 });
  await writeFile(
    file('sshd_config'),
    [
      `HostKey ${file('host-key')}`,
      `AuthorizedKeysFile ${file('authorized')}`,
      ...['PermitRootLogin prohibit-password', 'PasswordAuthentication no', 'UsePAM no', 'StrictModes no'],
      ...['PidFile none', 'LogLevel ERROR', ''],
    ].join('\n'),
  );
  const children = new Set<ChildProcess>();
  const server: Server = createServer({ pauseOnConnect: true }, (socket) => {
    const child = spawn(
      'nsenter',
      [`--net=/run/netns/${namespace}`, '/usr/sbin/sshd', '-i', '-e', '-f', file('sshd_config')],
      { stdio: [socket, socket, 'ignore'] },
    );
    children.add(child);
    child.once('close', () => children.delete(child));
    // The child has it now.
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  lab.defer(async () => {
    await new Promise((resolve) => server.close(resolve));
    await Promise.all([...children].map(async (child) => end(child)));
  });
  const { stdout } = await execute('ssh-keygen', ['-lf', file('host-key.pub')]);
  return {
    port: (server.address() as { port: number }).port,
    fingerprint: stdout.split(' ')[1] ?? '',
    privateKey: await readFile(file('user-key'), 'utf8'),
  };
}

/** What a failed test has left: everything in the host's journal goes. */
async function clearHost(namespace: string, program: readonly string[], settings: object): Promise<void> {
  const tell = async (command: object): Promise<{ things: { kind: string; id: string }[] }> => {
    const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, ...program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(JSON.stringify({ ...command, settings }));
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await new Promise((resolve) => child.once('close', resolve));
    return JSON.parse(output) as { things: { kind: string; id: string }[] };
  };
  const { things } = await tell({ do: 'list', owner: null });
  await tell({ do: 'remove', things: things.map(({ kind, id }) => ({ kind, id })) });
  expect(await inside(namespace, 'nft', 'list', 'tables')).toBe('');
}

async function processesIn(dir: string): Promise<{ pid: number; cwd: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => ({ pid, cwd: await readlink(`/proc/${pid}/cwd`).catch(() => '') })),
  );
  return found.filter(({ cwd }) => cwd.startsWith(`${dir}/`));
}

describe.skipIf(missing)(`a plain host by OpenSSH${missing ? ` (needs ${missing})` : ''}`, () => {
  describeProviderDriver('ssh with networks and volumes', startHost);
});
