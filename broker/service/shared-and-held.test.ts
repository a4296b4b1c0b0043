import { randomUUID } from 'node:crypto';
import { serviceIdSchema, type Manifest, type ServiceView } from '@medusa/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkManifest } from '../manifest/index.ts';
import { startSimulatedCloud, type SimulatedCloud } from '../provision/drivers/simulated/simulated-cloud.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { addCloud, phaseOf, startTestEngine, type TestEngine } from '../support/test-provisioning.ts';
import { cloudForTwoTier, startTestServices, type TestServices } from '../support/test-services.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database[Symbol.asyncDispose]());

let test: AsyncDisposableStack;
let cloud: SimulatedCloud;
let engine: TestEngine;
beforeEach(async () => {
  test = new AsyncDisposableStack();
  url = await database.create(`s${randomUUID().replaceAll('-', '')}`);
  cloud = test.use(await startSimulatedCloud(cloudForTwoTier()));
  engine = test.use(await startTestEngine(url));
  await addCloud(engine, cloud);
});
afterEach(async () => test.disposeAsync());
let url: string;

const limitMs = 60_000;
const patient = { timeout: 45_000, interval: 50 };

/** Everything that a manifest must say to be deployed by itself; `more` goes into the infrastructure of its node. */
const node = (name: string, more = ''): string => `
  <node name="${name}"><infrastructure><compute cores="1" memory="1G"/><network label="lan"><port protocol="tcp" from="443" to="443"/></network>${more}</infrastructure>
  <image><system name="debian"/><package name="nginx"/></image></node>`;
const manifest = (name: string, nodes: string, first: string): string => `
  <manifest name="${name}">${nodes}
  <configuration><action expression="${first}.limit = 3"/></configuration>
  <interface><action expression="${first}.start()"/></interface>
  <release><action expression="${first}.stop()"/></release>
  <security name="radiology" level="private"/><account name="radiology"><user name="lena" role="owner"/></account></manifest>`;

const common = manifest('cache', node('store'), 'store');
const user = manifest(
  'portal',
  `<node name="cache" type="cache" access="public" scope="common"/>${node('web')}`,
  'web',
);

function services(): TestServices {
  const { manifest: cache } = checkManifest(common, { manifests: new Map(), tenant: 'radiology' });
  const manifests = new Map<string, Manifest>(cache ? [['cache', cache]] : []);
  return test.use(startTestServices(engine, url, { manifests }));
}
async function becomes(made: TestServices, id: string, kind: string): Promise<ServiceView> {
  await expect.poll(async () => (await made.view(id)).state.kind, patient).toBe(kind);
  return made.view(id);
}
const machines = (): number => cloud.cloud.truth().alive.machine;
const release = async ({ services: all }: TestServices, id: string): Promise<unknown> =>
  all.act(serviceIdSchema.parse(id), 'release');

describe('a common node', { timeout: limitMs }, () => {
  it('is placed once for two services that begin at once, and stays when they are released', async () => {
    const made = services();

    await Promise.all(['one', 'two'].map(async (id) => made.create({ id, manifest: user })));
    const [one] = [await becomes(made, 'one', 'running'), await becomes(made, 'two', 'running')];
    expect(machines()).toBe(3);
    expect(cloud.cloud.truth().created.machine).toBe(3);
    expect(one.nodes.map(({ node: name, isShared }) => [name, isShared])).toEqual([
      ['cache.store', true],
      ['cache', true],
      ['web', false],
    ]);

    await release(made, 'one');
    await becomes(made, 'one', 'absent');
    expect(await made.view('two')).toMatchObject({ state: { kind: 'running' } });
    await release(made, 'two');
    await becomes(made, 'two', 'absent');
    expect(machines()).toBe(1);
    expect(await phaseOf(engine, 'cache-store')).toBe('ready');
  });
});

describe('a volume that may hold patient data', { timeout: limitMs }, () => {
  it('is kept for a person when its service is released, and the service goes all the same', async () => {
    const made = services();
    const withVolume = manifest(
      'store',
      node('pacs', '<storage><volume name="images" size="1G"/></storage>'),
      'pacs',
    );
    await made.create({ id: 'store', manifest: withVolume });
    await becomes(made, 'store', 'running');

    await release(made, 'store');
    const { steps } = await becomes(made, 'store', 'absent');

    expect(steps.map(({ text }) => text)).toContain(
      'volume store-pacs-images is kept for a person to decide: it may hold patient data',
    );
    expect(await phaseOf(engine, 'store-pacs-images')).toBe('held');
    expect(cloud.cloud.truth().alive).toMatchObject({ machine: 0, volume: 1, 'security-group': 0 });
  });
});
