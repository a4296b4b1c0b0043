import { accessSync, constants, readFileSync } from 'node:fs';
import path from 'node:path';
import { describeProviderDriver, type DriverUnderTest } from '@medusa/broker/provision/contract';
import { driverDefinitions } from '@medusa/broker/provision/drivers';
import {
  isProviderFault,
  nameOf,
  type MachineRequest,
  type ProviderDriver,
} from '@medusa/broker/provision/port';
import type { ResourceKind } from '@medusa/protocol';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePackages, startPeer, type Peer } from '../support/peer.ts';
import { openAdmin, openUser, type Admin } from './admin.ts';

const namespace = 'medusa';
const timeoutMs = 120_000;
const image =
  'registry.invalid/medusa/render@sha256:0000000000000000000000000000000000000000000000000000000000000000';

const missing = whatIsMissing();
describe.skipIf(missing !== undefined)(
  missing === undefined ? 'a real Kubernetes' : `a real Kubernetes (left out: ${missing})`,
  () => {
    let peer: Peer;
    let admin: Admin;
    beforeAll(async () => {
      peer = await startPeer('kubernetes');
      admin = openAdmin(peer);
      await admin.applyRole();
      await admin.createStorage();
    });
    afterAll(async () => {
      await admin[Symbol.asyncDispose]();
      await peer[Symbol.asyncDispose]();
    });

    describeProviderDriver('kubernetes', async () => {
      await admin.grant('medusa-broker-recreate');
      return underTest(peer, admin);
    });

    describe('as its restricted user', () => {
      it('makes, watches and ends machines with the role it is given, and may do nothing else', async () => {
        await admin.revoke('medusa-broker-recreate');
        await using driver = await openDriver(peer);
        const told: (string | null)[] = [];
        const watching = new AbortController();
        const watched = driver.watch?.('role', (ref) => told.push(ref), watching.signal);

        const made = await create(driver, 'node-1', machine('small'));
        await expect.poll(async () => stateOf(driver, made), { timeout: timeoutMs }).toBe('running');
        await expect.poll(() => told, { timeout: timeoutMs }).toContain(made);
        expect((await driver.machines.list('role', signal())).map(({ ref }) => ref)).toEqual([made]);
        expect(await admin.count('secrets', `medusa-owner=role`)).toBe(1);

        await driver.machines.destroy(made, operation());
        await expect.poll(async () => stateOf(driver, made), { timeout: timeoutMs }).toBe('absent');
        // Nobody deletes the secret with its environment: it belongs to the pod.
        await expect
          .poll(async () => admin.count('secrets', 'medusa-owner=role'), { timeout: timeoutMs })
          .toBe(0);
        watching.abort();
        await watched;

        const forbidden = [
          ['GET', `/api/v1/namespaces/${namespace}/secrets`],
          ['GET', `/api/v1/namespaces/${namespace}/secrets/any`],
          ['DELETE', `/api/v1/namespaces/${namespace}/secrets/any`],
          ['GET', '/api/v1/namespaces/default/pods'],
          ['GET', '/api/v1/namespaces/kube-system/secrets'],
          ['DELETE', '/api/v1/nodes/hollow-1'],
          ['DELETE', `/api/v1/namespaces/${namespace}`],
          ['POST', `/api/v1/namespaces/${namespace}/pods/any/exec?command=id`],
          ['GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles'],
          ['DELETE', `/apis/apps/v1/namespaces/${namespace}/deployments/any`],
        ] as const;
        await using broker = openUser(peer, 'broker');
        const statuses = await Promise.all(
          forbidden.map(async ([method, url]) => (await broker.ask(method, url)).status),
        );
        expect(statuses).toEqual(forbidden.map(() => 403));
      });

      it('is let in by a client certificate, and not with a wrong token', async () => {
        const pki = pkiOf(peer);
        await using driver = await openDriver(peer, {
          credentials: { certificate: pki('broker.crt'), key: pki('broker.key') },
        });
        expect((await driver.probe(signal())).version).not.toBe('');

        const refused = await openDriver(peer, { credentials: { token: 'wrong' } }).catch(
          (error: unknown) => error,
        );
        expect(isProviderFault(refused, 'auth')).toBe(true);
      });

      it('refuses a server whose certificate is of another authority', async () => {
        const refused = await openDriver(peer, { settings: { ca: undefined } }).catch(
          (error: unknown) => error,
        );
        expect(isProviderFault(refused, 'auth')).toBe(true);
      });
    });

    it('places machines by their GPUs, and tells of the one that waits', async () => {
      await using driver = await openDriver(peer, { settings: { startWithinSeconds: 5 } });
      const names = ['gpu-1', 'gpu-2', 'gpu-3'];
      const [one, two, three] = await Promise.all(
        names.map(async (resource) => create(driver, resource, machine('gpu', 'zone-1'))),
      );
      if (!one || !two || !three) throw new Error('no machines');
      const states = async (): Promise<unknown> => ({
        states: (await driver.machines.list('role', signal())).map(({ state }) => state).sort(),
      });

      await expect
        .poll(states, { timeout: timeoutMs })
        .toMatchObject({ states: ['error', 'running', 'running'] });
      const machines = await driver.machines.list('role', signal());
      const waiting = machines.find(({ state }) => state === 'error');
      expect(waiting?.detail).toMatch(/waits for capacity.*Insufficient nvidia\.com\/gpu/);
      expect(machines.map(({ zone }) => zone)).toEqual(['zone-1', 'zone-1', 'zone-1']);

      const running = machines.find(({ state }) => state === 'running');
      await driver.machines.destroy(running?.ref ?? '', operation());
      // The scheduler gives the place to the one that waited.
      await expect
        .poll(async () => stateOf(driver, waiting?.ref ?? ''), { timeout: timeoutMs })
        .toBe('running');
      for (const ref of [one, two, three]) await driver.machines.destroy(ref, operation());
      await expect
        .poll(async () => (await driver.machines.list('role', signal())).length, { timeout: timeoutMs })
        .toBe(0);
    });

    it('places one machine a node where they use its ports', async () => {
      await using driver = await openDriver(peer, { settings: { hostNetwork: true, startWithinSeconds: 5 } });
      await Promise.all(
        ['host-1', 'host-2', 'host-3'].map(async (resource) => create(driver, resource, machine('small'))),
      );
      const machines = async (): Promise<unknown> => ({
        states: (await driver.machines.list('role', signal())).map(({ state }) => state).sort(),
      });

      await expect
        .poll(machines, { timeout: timeoutMs })
        .toMatchObject({ states: ['error', 'running', 'running'] });
      for (const { ref } of await driver.machines.list('role', signal()))
        await driver.machines.destroy(ref, operation());
      await expect.poll(machines, { timeout: timeoutMs }).toMatchObject({ states: [] });
    });

    it('offers what its nodes have', async () => {
      await using driver = await openDriver(peer, { settings: { sizes: [] } });
      const { sizes, zones, volumeTypes } = await driver.catalog(signal());

      expect(zones).toEqual(['zone-1', 'zone-2']);
      expect(volumeTypes).toEqual(['peer']);
      expect(sizes.map(({ gpu }) => gpu)).toEqual([
        { model: 'NVIDIA-L4', count: 1 },
        { model: 'NVIDIA-L4', count: 2 },
      ]);
      const made = await create(driver, 'by-node', machine(sizes[0]?.id ?? ''));
      await expect.poll(async () => stateOf(driver, made), { timeout: timeoutMs }).toBe('running');
      await driver.machines.destroy(made, operation());
      await expect.poll(async () => stateOf(driver, made), { timeout: timeoutMs }).toBe('absent');
    });

    it('tells of an exceeded quota as such, and of how much is used', async () => {
      await using driver = await openDriver(peer);
      await admin.post(`/api/v1/namespaces/${namespace}/resourcequotas`, {
        metadata: { name: 'few' },
        spec: { hard: { pods: '0', 'requests.memory': '1Gi' } },
      });
      try {
        await expect
          .poll(async () => (await driver.probe(signal())).quotas, { timeout: timeoutMs })
          .toEqual(
            expect.arrayContaining([
              { name: 'few/pods', used: 0, limit: 0, unit: '' },
              { name: 'few/requests.memory', used: 0, limit: 1, unit: 'GiB' },
            ]),
          );
        const refused = await create(driver, 'over', machine('small')).catch((error: unknown) => error);
        expect(isProviderFault(refused, 'quota')).toBe(true);
        expect(await driver.machines.list('role', signal())).toEqual([]);
      } finally {
        await admin.delete(`/api/v1/namespaces/${namespace}/resourcequotas/few`);
      }
    });
  },
);

const signal = (): AbortSignal => AbortSignal.timeout(timeoutMs);
let operations = 0;
const operation = (): { id: string; signal: AbortSignal } => ({
  id: `op-${(operations += 1)}`,
  signal: signal(),
});

function whatIsMissing(): string | undefined {
  const folder = process.env['KUBEBUILDER_ASSETS'];
  if (folder === undefined)
    return 'KUBEBUILDER_ASSETS names no folder with kube-apiserver, kube-controller-manager, kube-scheduler and kubemark';
  try {
    for (const program of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubemark'])
      accessSync(path.join(folder, program), constants.X_OK);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return requirePackages('etcd-server', 'curl', 'openssl', 'iproute2');
}

const machine = (size: string, zone: string | null = null): MachineRequest => ({
  image,
  size,
  zone,
  networkRefs: [],
  securityGroupRefs: [],
  keyName: null,
  guest: { environment: { MEDUSA_JOIN_TOKEN: 'secret-of-the-guest' }, userData: '' },
});

async function create(driver: ProviderDriver, resource: string, request: MachineRequest): Promise<string> {
  const tag = { owner: 'role', resource, incarnation: 1 };
  return (await driver.machines.create(request, tag, nameOf('machine', tag), operation())).ref;
}

async function stateOf(driver: ProviderDriver, ref: string): Promise<string> {
  return (await driver.machines.get(ref, signal()))?.state ?? 'absent';
}

const pkiOf =
  (peer: Peer) =>
  (name: string): string =>
    readFileSync(path.join(peer.exports['KUBE_PKI'] ?? '', name), 'utf8').trim();

async function openDriver(
  peer: Peer,
  changed: { settings?: Record<string, unknown>; credentials?: unknown } = {},
): Promise<ProviderDriver> {
  const definition = await driverDefinitions.kubernetes?.();
  if (!definition) throw new Error('no driver');
  const pki = pkiOf(peer);
  const settings = definition.settingsSchema.parse({
    server: peer.exports['KUBE_URL'],
    ca: pki('ca.crt'),
    namespace,
    images: [{ id: image, architecture: 'x64' }],
    sizes: [
      { id: 'small', cpus: 0.05, memoryMiB: 64 },
      { id: 'gpu', cpus: 0.05, memoryMiB: 64, gpus: 1 },
    ],
    sharedMemoryMiB: 64,
    recreateToAttach: true,
    ...changed.settings,
  });
  const credentials = definition.credentialsSchema.parse(
    changed.credentials ?? { token: pki('broker.token') },
  );
  return definition.open(settings, credentials, {
    log: pino({ enabled: false }),
    now: () => new Date(),
    dataDir: peer.base,
  });
}

/** Without its console: the pretended runtime of the nodes prints nothing and serves no logs. */
async function openWithoutConsole(peer: Peer): Promise<ProviderDriver> {
  const driver = await openDriver(peer);
  const machines = { ...driver.machines };
  delete machines.console;
  return { ...driver, machines };
}

async function underTest(peer: Peer, admin: Admin): Promise<DriverUnderTest> {
  await admin.createVolumes(4);
  const plurals: Partial<Record<ResourceKind, string>> = {
    machine: 'pods',
    volume: 'persistentvolumeclaims',
    'security-group': 'networkpolicies',
  };
  return {
    timeoutMs,
    machine: machine('small'),
    volume: { sizeGiB: 1, type: 'peer', zone: null, source: { kind: 'blank' } },
    open: async () => openWithoutConsole(peer),
    count: async (kind) => admin.count(plurals[kind] ?? '', 'medusa-owner'),
    // The one field of a running pod's life that may still be changed: its kubelet ends it.
    breakMachine: async (ref) =>
      admin.patch(`/api/v1/namespaces/${namespace}/pods/${ref}`, { spec: { activeDeadlineSeconds: 1 } }),
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
}
