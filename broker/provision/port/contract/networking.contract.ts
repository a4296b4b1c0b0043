import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { expect, it } from 'vitest';
import { faultOf } from './lifecycle.contract.ts';
import { sampleOf, testLimitMs, type Trial } from './trial.ts';

/** What holds for networks, addresses, security groups, keys and images alone. */
export function describeNetworking(current: () => Trial): void {
  it('runs a machine on a network of its own', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, make, operation, until, signal } = current();
    const networks = driver.networks ?? skip('has no networks');
    const spec = provider.network ?? skip('makes no networks here');

    const network = await make('network', networks, { spec, resource: 'net' });
    expect(network.cidrs.length).toBeGreaterThan(0);
    if (spec.cidrs) expect(network.cidrs).toEqual(spec.cidrs);
    const { ref } = await make('machine', driver.machines, {
      spec: { ...provider.machine, networkRefs: [network.ref] },
      resource: 'node-1',
    });

    await until(
      async () => ({ has: ((await driver.machines.get(ref, signal()))?.addresses.length ?? 0) > 0 }),
      { has: true },
    );
    await driver.machines.destroy(ref, operation());
  });

  it('moves an address from machine to machine', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, make, operation, until, signal } = current();
    const addresses = driver.addresses ?? skip('has no addresses');
    const address = await make('address', addresses, {
      spec: { from: provider.from ?? null },
      resource: 'front',
    });
    const [one, two] = await Promise.all(
      ['node-1', 'node-2'].map(async (resource) =>
        make('machine', driver.machines, { spec: provider.machine, resource }),
      ),
    );
    if (!one || !two) throw new Error('no machines');
    const assigned = async (): Promise<{ to: string | null }> => ({
      to: (await addresses.get(address.ref, signal()))?.assignedTo ?? null,
    });

    expect(isIP(address.address)).not.toBe(0);
    for (const machineRef of [one.ref, two.ref, two.ref, one.ref]) {
      await addresses.assign(address.ref, machineRef, operation());
      await until(assigned, { to: machineRef });
    }
    await addresses.unassign(address.ref, operation());
    await until(assigned, { to: null });
    await addresses.unassign(address.ref, operation());
    expect((await addresses.get(address.ref, signal()))?.address).toBe(address.address);
  });

  it('keeps the rules of a security group', { timeout: testLimitMs }, async ({ skip }) => {
    const trial = current();
    const groups = trial.driver.securityGroups ?? skip('has no security groups');
    const sample = (await sampleOf(trial, 'security-group')) ?? skip('has no security groups');
    const spec = sample.specAt(0) as Parameters<typeof groups.create>[0];

    const group = await trial.make('security-group', groups, { spec, resource: 'web' });

    const inOrder = (rules: readonly object[]): string[] => rules.map((rule) => JSON.stringify(rule)).sort();
    const shape = ({
      direction,
      protocol,
      fromPort,
      toPort,
      remote,
    }: (typeof spec.rules)[number]): object => ({
      direction,
      protocol,
      fromPort,
      toPort,
      remote,
    });
    expect(inOrder(group.rules.map(shape))).toEqual(inOrder(spec.rules.map(shape)));
    const { ref } = await trial.make('machine', trial.driver.machines, {
      spec: { ...trial.provider.machine, securityGroupRefs: [group.ref] },
      resource: 'node-1',
    });
    await trial.driver.machines.destroy(ref, trial.operation());
  });

  it('imports a key once under its name', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, operation } = current();
    const keys = driver.keys ?? skip('has no keys');
    const name = `medusa-test-${randomBytes(4).toString('hex')}`;
    const key = newPublicKey();

    try {
      await keys.import(name, key, operation());
      await keys.import(name, key, operation());
      expect(await faultOf(keys.import(name, newPublicKey(), operation()))).toBe('conflict');
    } finally {
      await keys.remove(name, operation());
    }
    await keys.remove(name, operation());
    await keys.import(name, newPublicKey(), operation());
    await keys.remove(name, operation());
  });

  it('tells which image it took in', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, make } = current();
    const images = driver.images ?? skip('has no images');
    const spec = provider.image ?? skip('takes no images here');
    expect(images.formats).toContain(spec.format);

    const image = await make('image', images, { spec, resource: 'render' });

    expect(image.contentHash).toBe(spec.contentHash);
    expect([spec.architecture, null]).toContain(image.architecture);
  });
}

/** RFC 8709: an Ed25519 key as OpenSSH writes it. */
function newPublicKey(): string {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  const text = (value: string | Buffer): Buffer => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const blob = Buffer.concat([text('ssh-ed25519'), text(Buffer.from(x, 'base64url'))]);
  return `ssh-ed25519 ${blob.toString('base64')} medusa-test`;
}
