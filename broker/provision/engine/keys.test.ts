import { randomUUID } from 'node:crypto';
import { machineSpecSchema, resourceIdSchema, type AppError } from '@medusa/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../support/test-database.ts';
import { addCloud, by, cloudId, quickCloud, startTestEngine } from '../../support/test-provisioning.ts';
import { startSimulatedCloud } from '../drivers/simulated/simulated-cloud.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database[Symbol.asyncDispose]());

const publicKey = `ssh-ed25519 ${Buffer.from('a key of a test').toString('base64')} ada@example`;
const patient = { timeout: 20_000, interval: 50 };
const id = resourceIdSchema.parse('with-key');
const spec = machineSpecSchema.parse({
  ...{ kind: 'machine', role: 'plain', image: 'medusa', size: 'small', publicKey },
});

it('a machine that could not be made at once has its key when it is there, and leaves none behind', async () => {
  await using cloud = await startSimulatedCloud(quickCloud);
  await using engine = await startTestEngine(await database.create(`k${randomUUID().replaceAll('-', '')}`));
  await addCloud(engine, cloud);
  cloud.failNext('create', 'throttle');
  await engine.provisioning.create({ id, provider: cloudId, spec }, by);
  await expect.poll(async () => (await engine.view(id)).phase, patient).toBe('ready');

  const { ref } = await engine.view(id);
  const { keyName } = cloud.cloud.machine(ref ?? '')?.spec as { keyName: string };
  expect(keyName).toMatch(/^medusa-[a-z0-9]+-key-with-key-[0-9a-f]{8}$/);
  expect(() => cloud.cloud.setKey(keyName, 'another')).toThrow('There is another key');
  const log = await engine.provisioning.log({ resource: id, limit: 100 });
  expect(log.map(({ outcome }) => outcome)).toContain('failed');

  await engine.provisioning.act(id, { action: 'destroy' }, by);
  await expect
    .poll(async () => (await engine.provisioning.resources({ withAbsent: true }))[0]?.phase, patient)
    .toBe('absent');
  expect(() => cloud.cloud.removeKey(keyName)).toThrow('There is no key');
});

it('a provider that takes no keys refuses such a machine', async () => {
  await using engine = await startTestEngine(await database.create(`k${randomUUID().replaceAll('-', '')}`));
  await engine.provisioning.putProvider(
    cloudId,
    { kind: 'local', title: 'Here', settings: { rtcPort: 40_000 }, isEnabled: true },
    by,
  );
  const health = async () => (await engine.provisioning.providers())[0]?.health.state;
  await expect.poll(health, patient).toBe('reachable');
  const refused = engine.provisioning.create({ id, provider: cloudId, spec }, by);
  await expect(refused).rejects.toMatchObject({ code: 'request.invalid' } satisfies Partial<AppError>);
});
