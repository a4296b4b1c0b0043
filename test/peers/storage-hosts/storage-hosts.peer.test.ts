import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait.ts';
import { requirePackages } from '../support/peer.ts';

const run = promisify(execFile);
const missing = requirePackages('haproxy', 'keepalived', 'dcmtk', 'openssl');
const root = path.resolve(import.meta.dirname, '../../..');
const [shared, client] = ['10.98.7.10', '10.98.7.100'];
const nodes = [
  { nodeId: 'storage-1', host: '10.98.7.1', space: 'medusa-sh-1' },
  { nodeId: 'storage-2', host: '10.98.7.2', space: 'medusa-sh-2' },
] as const;
const [bridgeSpace, clientSpace] = ['medusa-sh-b', 'medusa-sh-c'];
const count = Number(process.env['MEDUSA_HA_OBJECTS'] ?? 300);
const perAssociation = 10;
const patience = { timeout: 60_000, interval: 100 };

type Program = 'node' | 'haproxy' | 'keepalived';

describe.skipIf(missing !== undefined || process.getuid?.() !== 0)('storage nodes on two hosts', () => {
  const suite = new AsyncDisposableStack();
  const running = new Map<string, ChildProcess>();
  let folder = '';
  const sent = new Set<string>();

  const inSpace = async (space: string, ...command: string[]): Promise<string> =>
    (await run('ip', ['netns', 'exec', space, ...command], { maxBuffer: 16 * 1024 * 1024 })).stdout;
  const start = async ({ nodeId, space }: (typeof nodes)[number], program: Program): Promise<void> => {
    const own = path.join(folder, nodeId);
    const commands: Record<Program, string[]> = {
      node: [process.execPath, path.join(root, 'infra/storage/main.ts')],
      haproxy: ['haproxy', '-db', '-f', path.join(own, 'haproxy.cfg')],
      keepalived: [
        ...['keepalived', '--dont-fork', '--log-console', '--vrrp', '-f', path.join(own, 'keepalived.conf')],
        ...['-p', path.join(own, 'keepalived.pid'), '-r', path.join(own, 'vrrp.pid')],
      ],
    };
    await using log = await open(path.join(own, `${program}.log`), 'a');
    const child = spawn('ip', ['netns', 'exec', space, ...commands[program]], {
      stdio: ['ignore', log.fd, log.fd],
      env: { ...process.env, ...(program === 'node' && (await environmentOf(nodeId))) },
    });
    running.set(`${nodeId} ${program}`, child);
  };
  const stop = async (nodeId: string, program: Program, signal: NodeJS.Signals): Promise<number | null> => {
    const child = running.get(`${nodeId} ${program}`);
    if (child?.exitCode !== null || child.signalCode !== null) return null;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  };
  const environmentOf = async (nodeId: string): Promise<Record<string, string>> => {
    const lines = (await readFile(path.join(folder, nodeId, 'node.env'), 'utf8')).trim().split('\n');
    return {
      ...Object.fromEntries(
        lines.map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]),
      ),
      MEDUSA_BROKER_URL: 'https://127.0.0.1:1',
      MEDUSA_NODE_TOKEN: 'token',
      MEDUSA_CA: path.join(folder, 'cert.pem'),
      MEDUSA_TLS_CERT: path.join(folder, 'cert.pem'),
      MEDUSA_TLS_KEY: path.join(folder, 'key.pem'),
      MEDUSA_STORAGE_DIR: path.join(folder, nodeId, 'storage'),
      MEDUSA_STORAGE_RESERVE_MIB: '1',
      MEDUSA_LOG_LEVEL: 'silent',
    };
  };
  const isReady = async ({ host }: (typeof nodes)[number]): Promise<boolean> =>
    inSpace(clientSpace, 'curl', '-sfk', `https://${host}:8444/readyz`).then(
      () => true,
      () => false,
    );
  const answers = async (): Promise<boolean> =>
    inSpace(clientSpace, 'echoscu', '-to', '1', '-ta', '2', '-aec', 'MEDUSA', shared, '11112').then(
      () => true,
      () => false,
    );
  const holder = async (): Promise<(typeof nodes)[number] | undefined> => {
    for (const node of nodes)
      if ((await inSpace(node.space, 'ip', '-o', 'address')).includes(`${shared}/`)) return node;
    return undefined;
  };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'storage-hosts-'));
    suite.defer(async () => rm(folder, { recursive: true, force: true }));
    await layNetwork(suite);
    const alternative = [...nodes.map(({ host }) => host), shared].map((host) => `IP:${host}`).join(',');
    const certificate = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    await run(
      'openssl',
      [
        ...certificate,
        '-subj',
        '/CN=storage',
        '-days',
        '2',
        '-addext',
        `subjectAltName=${alternative}`,
      ].concat(['-keyout', path.join(folder, 'key.pem'), '-out', path.join(folder, 'cert.pem')]),
    );
    await writeFile(path.join(folder, 'peer.secret'), 'a secret that only the two hosts know');
    const document = {
      address: `${shared}/24`,
      interface: 'eth0',
      authority: path.join(folder, 'cert.pem'),
      peerSecretFile: path.join(folder, 'peer.secret'),
      nodes: nodes.map(({ nodeId, host }) => ({ nodeId, host })),
    };
    await writeFile(path.join(folder, 'hosts.json'), JSON.stringify(document));
    const program = path.join(root, 'infra/storage/several-hosts.ts');
    await run(process.execPath, [program, path.join(folder, 'hosts.json'), '--out', folder]);
    suite.defer(async () => {
      for (const name of running.keys()) {
        const [nodeId = '', of = ''] = name.split(' ');
        await stop(nodeId, of as Program, of === 'node' ? 'SIGKILL' : 'SIGTERM');
      }
    });
    for (const node of nodes) {
      await start(node, 'node');
      await waitFor('a node', async () => ((await isReady(node)) ? true : undefined), 60_000);
      await start(node, 'haproxy');
      await start(node, 'keepalived');
    }
    await waitFor('the address', async () => ((await answers()) ? true : undefined), 60_000);
  });
  afterAll(async () => suite.disposeAsync());

  it('lose no association while each node is restarted in turn', async () => {
    const batches = await writeObjects(folder, sent);
    const codes: string[] = [];
    const left = batches.values();
    const lane = async (): Promise<void> => {
      for (const batch of left) {
        const args = [
          '-v',
          '-aec',
          'MEDUSA',
          '--decompress-never',
          '--scan-directories',
          shared,
          '11112',
          batch,
        ];
        const output = await inSpace(clientSpace, 'sh', '-c', 'dcmsend "$@" 2>&1', 'sh', ...args).catch(
          String,
        );
        codes.push(/with status SUCCESS\s*: (\d+)/.exec(output)?.[1] ?? output.slice(-500));
      }
    };
    const sending = Promise.all([lane(), lane(), lane()]);
    for (let turn = 0; codes.length < batches.length || turn < 2; turn++) {
      const node = nodes[turn % 2] ?? nodes[0];
      expect(await stop(node.nodeId, 'node', 'SIGTERM')).toBe(0);
      await start(node, 'node');
      await expect.poll(async () => isReady(node), patience).toBe(true);
      // The door looks once a second whether it is back.
      await expect.poll(answers, patience).toBe(true);
    }
    await sending;

    expect(codes.filter((stored) => stored !== String(perAssociation))).toEqual([]);
    await expectAllAtBoth();
  });

  it('answer at the same address when the host that has it is gone', async () => {
    const gone = await holder();
    if (!gone) throw new Error('Nobody has the address');
    await inSpace(gone.space, 'ip', 'link', 'set', 'eth0', 'down');
    await expect.poll(answers, patience).toBe(true);
    expect(
      await inSpace(gone === nodes[0] ? nodes[1].space : nodes[0].space, 'ip', '-o', 'address'),
    ).toContain(`${shared}/`);
    await inSpace(gone.space, 'ip', 'link', 'set', 'eth0', 'up');
  });

  const expectAllAtBoth = async (): Promise<void> => {
    for (const { nodeId } of nodes) {
      const objects = path.join(folder, nodeId, 'storage', 'objects');
      const names = async (): Promise<string[]> =>
        (await readdir(objects, { recursive: true })).filter((name) => name.endsWith('.dcm')).sort();
      const wanted = [...sent].sort();
      await expect
        .poll(async () => (await names()).map((name) => path.basename(name, '.dcm')), patience)
        .toEqual(wanted);
    }
  };
});

/** Two hosts, a sender and a switch. */
async function layNetwork(suite: AsyncDisposableStack): Promise<void> {
  const ip = async (...args: string[]): Promise<unknown> => run('ip', args);
  for (const space of [bridgeSpace, clientSpace, ...nodes.map((node) => node.space)]) {
    await ip('netns', 'add', space);
    suite.defer(async () => {
      await ip('netns', 'del', space);
    });
  }
  await ip('-n', bridgeSpace, 'link', 'add', 'br0', 'type', 'bridge');
  await ip('-n', bridgeSpace, 'link', 'set', 'br0', 'up');
  const ends = [...nodes.map(({ space, host }) => ({ space, host })), { space: clientSpace, host: client }];
  for (const [at, { space, host }] of ends.entries()) {
    await ip(
      'link',
      'add',
      'eth0',
      'netns',
      space,
      'type',
      'veth',
      'peer',
      'name',
      `p${at}`,
      'netns',
      bridgeSpace,
    );
    await ip('-n', bridgeSpace, 'link', 'set', `p${at}`, 'master', 'br0', 'up');
    await ip('-n', space, 'address', 'add', `${host}/24`, 'dev', 'eth0');
    for (const link of ['lo', 'eth0']) await ip('-n', space, 'link', 'set', link, 'up');
  }
}

/** Slices under UIDs of their own; answers folders of an association each. */
async function writeObjects(folder: string, sent: Set<string>): Promise<string[]> {
  const data = path.join(root, 'test/data/ct-chest');
  const names = (await readdir(data)).filter((name) => name.endsWith('.dcm')).slice(0, 20);
  const batches: string[] = [];
  for (let at = 0; at < count; at += 1) {
    const batch = path.join(folder, 'sent', String(Math.floor(at / perAssociation)));
    if (at % perAssociation === 0) batches.push(batch);
    await mkdir(batch, { recursive: true });
    const file = path.join(batch, `${at}.dcm`);
    await copyFile(path.join(data, names[at % names.length] ?? ''), file);
    const bytes = await readFile(file);
    const offset = 144 + bytes.readUInt32LE(140);
    // The UID in the header of the file is the one of the data set.
    const uid =
      /[0-9.]+/.exec(bytes.toString('latin1', bytes.indexOf(Buffer.from([2, 0, 3, 0])) + 8))?.[0] ?? '';
    const other = `${uid.slice(0, -6)}1${String(at).padStart(5, '0')}`;
    for (let found = bytes.indexOf(uid); found >= 0; found = bytes.indexOf(uid, found + 1))
      bytes.write(other, found, 'latin1');
    await writeFile(file, bytes);
    sent.add(createHash('sha256').update(bytes.subarray(offset)).digest('hex'));
  }
  return batches;
}
