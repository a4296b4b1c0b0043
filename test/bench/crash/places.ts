import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSimulatedCloud } from '@medusa/broker/support/bench';
import { startPeer } from '../../peers/support/peer.ts';
import { openProvider, type Provider } from './open-provider.ts';

export type Place = AsyncDisposable & {
  readonly provider: Provider;
  readonly machine: { image: string; size: string };
  /** How many experiments may go on at once, and how long one step may take. */
  readonly lanes: number;
  readonly timeoutMs: number;
  /** What the provider itself knows of doubles, when it keeps count; and things of ours that its list does not show. */
  doubles?(): Record<string, number>;
  hidden?(): Promise<number>;
};

/** Starts the real provider, or the simulated one. */
export const places: Readonly<Record<Provider['kind'], () => Promise<Place>>> = {
  async simulated() {
    const cloud = await startSimulatedCloud({
      bootMs: { median: 30, p95: 60 },
      readyMs: 10,
      destroyMs: 50,
      callMs: 1,
    });
    return {
      provider: {
        kind: 'simulated',
        dataDir: '/nonexistent',
        settings: { url: cloud.url, idempotencyTokens: true },
        credentials: {},
      },
      machine: { image: 'medusa', size: 'small' },
      lanes: 2,
      timeoutMs: 60_000,
      doubles: () => ({
        ...cloud.cloud.truth().doubledResources,
        ...cloud.cloud.truth().doubledIncarnations,
      }),
      [Symbol.asyncDispose]: async () => cloud[Symbol.asyncDispose](),
    };
  },
  async local() {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'medusa-crash-'));
    return {
      provider: { kind: 'local', dataDir },
      machine: { image: 'agent', size: 'process' },
      lanes: 1,
      timeoutMs: 60_000,
      hidden: async () => (await processesIn(dataDir)).length,
      async [Symbol.asyncDispose]() {
        await rm(dataDir, { recursive: true, force: true });
      },
    };
  },
  async lxd() {
    const peer = await startPeer('lxd');
    const settings = {
      socketPath: peer.exports['LXD_SOCKET'],
      sizes: [{ id: 'tiny', cpus: 1, memoryMiB: 128 }],
      stopSeconds: 1,
    };
    return {
      provider: { kind: 'lxd', dataDir: peer.base, settings, credentials: {} },
      machine: { image: peer.exports['LXD_IMAGE'] ?? '', size: 'tiny' },
      lanes: 2,
      timeoutMs: 180_000,
      [Symbol.asyncDispose]: async () => peer[Symbol.asyncDispose](),
    };
  },
  async openstack() {
    const { credentialsOf, settingsOf } = await import('../../peers/openstack/openstack-cloud.ts');
    const peer = await startPeer('openstack');
    const provider: Provider = {
      kind: 'openstack',
      dataDir: '/nonexistent',
      settings: settingsOf(peer.exports),
      credentials: credentialsOf(peer.exports, 'demo'),
    };
    await using driver = await openProvider(provider);
    const catalog = await driver.catalog(AbortSignal.timeout(60_000));
    const size = catalog.sizes.toSorted((a, b) => a.memoryMiB - b.memoryMiB)[0]?.id ?? '';
    return {
      provider,
      machine: { image: catalog.images[0]?.id ?? '', size },
      lanes: 4,
      timeoutMs: 300_000,
      [Symbol.asyncDispose]: async () => peer[Symbol.asyncDispose](),
    };
  },
};

/** Processes whose folder is below that one, whatever is written down of them. */
async function processesIn(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const inside = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      return cwd.startsWith(folder);
    }),
  );
  return pids.filter((_, index) => inside[index]);
}

export const signal = (): AbortSignal => AbortSignal.timeout(120_000);
export const isThere = ({ state }: { state: string }): boolean =>
  state !== 'terminated' && state !== 'stopping';
