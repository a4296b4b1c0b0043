import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { describeProviderDriver, type DriverUnderTest } from '../../port/driver.contract.ts';
import { isProviderFault, nameOf, type MachineRequest, type ProviderDriver } from '../../port/index.ts';
import { answers, type Plural } from './cluster.stand-in.ts';
import { definition } from './index.ts';
import { startKubernetes, token, type KubernetesStandIn } from './kubernetes.stand-in.ts';
import { parseQuantity } from './quantity.ts';

const image = 'registry.example.net/medusa/render:1';
const machine: MachineRequest = {
  image,
  size: 'small',
  zone: null,
  networkRefs: [],
  securityGroupRefs: [],
  keyName: null,
  guest: { environment: { MEDUSA_JOIN_TOKEN: 'secret-of-the-guest' }, userData: '' },
};

async function openDriver(
  { url }: KubernetesStandIn,
  changed: { settings?: object; credentials?: object; now?: () => Date } = {},
): Promise<ProviderDriver> {
  const settings = {
    server: url,
    images: [{ id: image, architecture: 'x64' }],
    sizes: [
      { id: 'small', cpus: 0.05, memoryMiB: 64 },
      { id: 'gpu', cpus: 0.05, memoryMiB: 64, gpus: 1 },
    ],
    recreateToAttach: true,
    ...changed.settings,
  };
  return definition.open(settings, changed.credentials ?? { token }, {
    log: pino({ enabled: false }),
    now: changed.now ?? (() => new Date()),
    dataDir: '/nonexistent',
  });
}

const plurals: Readonly<Record<string, Plural>> = {
  machine: 'pods',
  volume: 'persistentvolumeclaims',
  snapshot: 'volumesnapshots',
  'security-group': 'networkpolicies',
};

async function underTest(): Promise<DriverUnderTest> {
  const standIn = await startKubernetes();
  return {
    timeoutMs: 10_000,
    machine,
    volume: { sizeGiB: 1, type: 'csi', zone: null, source: { kind: 'blank' } },
    open: async () => openDriver(standIn),
    async count(kind) {
      const plural = plurals[kind];
      return Promise.resolve(plural === undefined ? 0 : standIn.cluster.objects[plural].size);
    },
    async breakMachine(ref) {
      const pod = standIn.cluster.get('pods', ref);
      pod.status = structuredClone(answers['pod failed']?.status ?? {});
      standIn.cluster.touch('pods', pod, 'MODIFIED');
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: async () => standIn[Symbol.asyncDispose](),
  };
}

describeProviderDriver('kubernetes', underTest);

const signal = (): AbortSignal => AbortSignal.timeout(10_000);
const operation = (id = 'one'): { id: string; signal: AbortSignal } => ({ id, signal: signal() });
const tag = { owner: 'own', resource: 'node-1', incarnation: 1 };
const name = nameOf('machine', tag);

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'none',
    (error: unknown) =>
      isProviderFault(error)
        ? { fault: error.fault, message: error.message, retryAfterMs: error.retryAfterMs }
        : error,
  );
}

describe('what a cluster says', () => {
  it.each([
    ['forbidden', 'auth'],
    ['unauthorized', 'auth'],
    ['invalid', 'invalid'],
    ['exceeded quota', 'quota'],
  ])('%s means %s, and nothing is left', async (kind, fault) => {
    await using standIn = await startKubernetes();
    await using driver = await openDriver(standIn);
    const { status = 0, body = {} } = answers.errors[kind] ?? {};
    standIn.failNext('POST', '/pods', { kind: 'error', status, body });

    expect(await failureOf(driver.machines.create(machine, tag, name, operation()))).toMatchObject({ fault });
    expect(standIn.cluster.objects.pods.size).toBe(0);
  });

  it.each([
    [429, { 'retry-after': '3' }, 'rate-limited', 3_000],
    [503, { 'retry-after': '7' }, 'rate-limited', 7_000],
    [500, {}, 'unknown-outcome', undefined],
    [504, {}, 'unknown-outcome', undefined],
  ])('%i with %o means %s', async (status, headers: Record<string, string>, fault, retryAfterMs) => {
    await using standIn = await startKubernetes();
    await using driver = await openDriver(standIn);
    standIn.failNext('POST', '/pods', { kind: 'error', status, headers });

    const failure = await failureOf(driver.machines.create(machine, tag, name, operation()));

    expect(failure).toMatchObject({ fault, retryAfterMs });
  });

  it('is not heard: what was made is found again under its name', async () => {
    await using standIn = await startKubernetes();
    await using driver = await openDriver(standIn);
    standIn.failNext('POST', '/pods', { kind: 'break' });

    const failure = await failureOf(driver.machines.create(machine, tag, name, operation()));
    // It waits for its secret, which the call did not come to; the same call again brings it.
    const again = await driver.machines.create(machine, tag, name, operation());

    expect(failure).toMatchObject({ fault: 'unknown-outcome' });
    expect(again.ref).toBe(name);
    await expect.poll(async () => driver.machines.get(name, signal())).toMatchObject({ state: 'running' });
  });

  it('of a page that is too old begins the list again', async () => {
    await using standIn = await startKubernetes();
    await using driver = await openDriver(standIn);
    for (const resource of ['a', 'b', 'c'])
      await driver.machines.create(machine, { ...tag, resource }, resource, operation(resource));
    standIn.failNext('GET', '/pods', { kind: 'error', status: 410 });

    expect((await driver.machines.list('own', signal())).map(({ ref }) => ref)).toEqual(['a', 'b', 'c']);
  });
});

describe('a machine in a cluster', () => {
  it('keeps what its guest is told in a secret of its own, which goes with it', async () => {
    await using standIn = await startKubernetes();
    await using driver = await openDriver(standIn);

    const { ref } = await driver.machines.create(machine, tag, name, operation());
    const [secret] = standIn.cluster.objects.secrets.values();
    const pod = standIn.cluster.get('pods', ref);

    expect(JSON.stringify(pod)).not.toContain('secret-of-the-guest');
    expect(secret).toMatchObject({
      immutable: true,
      metadata: { ownerReferences: [{ kind: 'Pod', name, uid: pod.metadata.uid }] },
      stringData: { MEDUSA_JOIN_TOKEN: 'secret-of-the-guest' },
    });
    expect(pod.spec).toMatchObject({
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true },
      nodeSelector: { 'kubernetes.io/arch': 'amd64' },
      containers: [{ securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
    });
    await driver.machines.destroy(ref, operation('two'));
    await expect.poll(() => standIn.cluster.objects.secrets.size).toBe(0);
  });

  it('whose secret is refused is not there either', async () => {
    await using standIn = await startKubernetes();
    await using driver = await openDriver(standIn);
    standIn.failNext('POST', '/secrets', { kind: 'error', ...answers.errors['forbidden'], status: 403 });

    expect(await failureOf(driver.machines.create(machine, tag, name, operation()))).toMatchObject({
      fault: 'auth',
    });
    await expect.poll(() => standIn.cluster.objects.pods.size).toBe(0);
  });

  it('that a crash left without its secret is told as failed after a time', async () => {
    await using standIn = await startKubernetes();
    let now = new Date();
    await using driver = await openDriver(standIn, { now: () => now });
    await driver.machines.create(machine, tag, name, operation());
    // The pod of another, whose creator ended before it wrote the secret.
    const { metadata, spec } = standIn.cluster.get('pods', name);
    const envFrom = [{ secretRef: { name: 'never-written' } }];
    standIn.cluster.create('pods', {
      metadata: { ...metadata, name: 'crashed' },
      spec: { ...spec, containers: [{ image, envFrom }] },
    });
    const crashed = async (): Promise<unknown> => driver.machines.get('crashed', signal());
    const detail = expect.stringContaining('CreateContainerConfigError') as string;

    await expect.poll(crashed).toMatchObject({ state: 'starting', detail });
    now = new Date(now.getTime() + 181_000);
    expect(await crashed()).toMatchObject({ state: 'error', detail });
  });

  it('that finds no place waits for it, and is told as failed after a time', async () => {
    await using standIn = await startKubernetes();
    let now = new Date();
    await using driver = await openDriver(standIn, { now: () => now });
    standIn.cluster.gpus = 0;
    await driver.machines.create({ ...machine, size: 'gpu' }, tag, name, operation());

    const waits = /Unschedulable, waits for capacity: .*Insufficient nvidia\.com\/gpu/;
    const waiting = async (): Promise<unknown> => driver.machines.get(name, signal());
    await expect
      .poll(waiting)
      .toMatchObject({ state: 'pending', detail: expect.stringMatching(waits) as string });
    now = new Date(now.getTime() + 181_000);
    expect(await waiting()).toMatchObject({ state: 'error', detail: expect.stringMatching(waits) as string });
    standIn.cluster.gpus = 1;
    await expect.poll(waiting).toMatchObject({ state: 'running' });
  });

  it('is not made again for a volume unless the settings say so', async () => {
    await using standIn = await startKubernetes();
    await using driver = await openDriver(standIn, { settings: { recreateToAttach: false } });
    const { ref } = await driver.machines.create(machine, tag, name, operation());
    const blank = { sizeGiB: 1, type: 'csi', zone: null, source: { kind: 'blank' } } as const;
    const volume = await driver.volumes?.create(blank, { ...tag, resource: 'data' }, 'data', operation());

    const failure = await failureOf(
      driver.volumes?.attach(volume?.ref ?? '', ref, operation()) ?? Promise.resolve(),
    );

    expect(failure).toMatchObject({ fault: 'invalid' });
    expect(standIn.calls.some(({ method }) => method === 'DELETE')).toBe(false);
  });

  it('of others is neither seen nor touched', async () => {
    await using standIn = await startKubernetes();
    await using driver = await openDriver(standIn);
    const theirs = {
      metadata: { name: 'theirs', uid: '', resourceVersion: '' },
      spec: { containers: [{ envFrom: [] }] },
    };
    standIn.cluster.create('pods', theirs);

    expect(await driver.machines.get('theirs', signal())).toBeUndefined();
    await driver.machines.destroy('theirs', operation());
    expect(standIn.cluster.objects.pods.has('theirs')).toBe(true);
  });
});

it('goes on watching when the cluster has forgotten the version it saw', async () => {
  await using standIn = await startKubernetes();
  await using driver = await openDriver(standIn);
  const told: (string | null)[] = [];
  const stopping = new AbortController();
  const watching = driver.watch?.('own', (ref) => told.push(ref), stopping.signal);
  await expect
    .poll(() => standIn.calls.filter(({ path }) => path.endsWith('/pods')).length)
    .toBeGreaterThan(1);
  await driver.machines.create(machine, { ...tag, resource: 'a' }, 'a', operation('a'));
  await expect.poll(() => told, { timeout: 10_000 }).toContain('a');

  standIn.compact();

  await expect.poll(() => told.filter((ref) => ref === null), { timeout: 10_000 }).toHaveLength(2);
  await driver.machines.create(machine, { ...tag, resource: 'b' }, 'b', operation('b'));
  await expect.poll(() => told, { timeout: 10_000 }).toContain('b');
  stopping.abort();
  await watching;
});

it('ends a watch whose credentials are refused', async () => {
  await using standIn = await startKubernetes({ hasSnapshots: false });
  await using driver = await openDriver(standIn);
  standIn.failNext('GET', '/pods', { kind: 'error', status: 401 });

  const failure = await failureOf(driver.watch?.('own', () => undefined, signal()) ?? Promise.resolve());

  expect(failure).toMatchObject({ fault: 'auth' });
});

it.each([
  ['20', 101],
  ['30', 1],
])('opens a range of ports on Kubernetes 1.%s with %i ports', async (minor, ports) => {
  await using standIn = await startKubernetes({ minor });
  await using driver = await openDriver(standIn);
  const rules = [
    { direction: 'in', protocol: 'udp', fromPort: 40_000, toPort: 40_100, remote: '192.0.2.0/24' },
  ] as const;

  const group = await driver.securityGroups?.create({ rules }, tag, 'media', operation());

  const spec = standIn.cluster.get('networkpolicies', 'media').spec as { ingress: { ports: unknown[] }[] };
  expect(spec.ingress[0]?.ports).toHaveLength(ports);
  expect(group?.rules).toEqual(rules);
});

it('has no snapshots where the cluster has none, and makes no copies without a driver that can', async () => {
  await using standIn = await startKubernetes({ hasSnapshots: false });
  await using driver = await openDriver(standIn);
  const copy = { sizeGiB: 1, type: 'peer', zone: null, source: { kind: 'volume', ref: 'other' } } as const;

  expect(driver.snapshots).toBeUndefined();
  expect(
    await failureOf(driver.volumes?.create(copy, tag, 'copy', operation()) ?? Promise.resolve()),
  ).toMatchObject({
    fault: 'invalid',
  });
  expect(standIn.cluster.objects.persistentvolumeclaims.size).toBe(0);
});

it('makes sizes from what the nodes have', async () => {
  await using standIn = await startKubernetes();
  await using driver = await openDriver(standIn, { settings: { sizes: [] } });

  const { sizes, zones } = await driver.catalog(signal());

  expect(sizes.map(({ id, gpu }) => [id, gpu?.count])).toEqual([
    ['x64-c0.4-m1728-g1', 1],
    ['x64-c0.9-m3456-g2', 2],
  ]);
  expect(zones).toEqual(['zone-1', 'zone-2']);
  expect((await driver.probe(signal())).quotas).toContainEqual({
    name: 'few/requests.memory',
    used: expect.any(Number) as number,
    limit: 1,
    unit: 'GiB',
  });
});

it.each([
  ['1500m', 1.5],
  ['16Gi', 17_179_869_184],
  ['1e3', 1_000],
  ['0', 0],
  ['.5', 0.5],
  ['many', Number.NaN],
])('reads the quantity %s', (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});

it('takes no server in the clear, and only one kind of credentials', () => {
  const images = [{ id: image }];
  expect(definition.settingsSchema.safeParse({ server: 'http://cluster.example.net', images }).success).toBe(
    false,
  );
  expect(definition.settingsSchema.safeParse({ server: 'https://cluster.example.net', images }).success).toBe(
    true,
  );
  expect(definition.credentialsSchema.safeParse({ token, certificate: 'c', key: 'k' }).success).toBe(false);
  expect(definition.credentialsSchema.safeParse({}).success).toBe(false);
});
