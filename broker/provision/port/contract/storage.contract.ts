import { expect, it } from 'vitest';
import type { Volume } from '../driver.ts';
import { nameOf } from '../resource.ts';
import { faultOf } from './lifecycle.contract.ts';
import { lifeOf, testLimitMs, type Trial } from './trial.ts';

/** What holds for volumes and snapshots alone. */
export function describeStorage(current: () => Trial): void {
  it('attaches a volume to one machine at a time', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, make, operation, until, signal } = current();
    const volumes = driver.volumes ?? skip('has no volumes');
    const spec = provider.volume ?? skip('makes no volumes here');
    const { ref } = await make('volume', volumes, { spec, resource: 'data' });
    const [one, two] = await Promise.all(
      ['node-1', 'node-2'].map(async (resource) =>
        make('machine', driver.machines, { spec: provider.machine, resource }),
      ),
    );
    if (!one || !two) throw new Error('no machines');
    const attached = async (): Promise<{ to: string | null }> => ({
      to: (await volumes.get(ref, signal()))?.attachedTo?.machineRef ?? null,
    });

    await volumes.attach(ref, one.ref, operation());
    await until(attached, { to: one.ref });
    await volumes.attach(ref, one.ref, operation());
    expect(await faultOf(volumes.attach(ref, two.ref, operation()))).toBe('conflict');
    expect(await attached()).toEqual({ to: one.ref });

    await volumes.detach(ref, operation());
    await until(attached, { to: null });
    await volumes.detach(ref, operation());
    await volumes.attach(ref, two.ref, operation());
    await until(attached, { to: two.ref });
    await volumes.detach(ref, operation());
    await until(attached, { to: null });
  });

  it('is as large as it was asked to be', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, make } = current();
    const volumes = driver.volumes ?? skip('has no volumes');
    const spec = provider.volume ?? skip('makes no volumes here');

    const volume: Volume = await make('volume', volumes, { spec, resource: 'data' });

    expect(volume.sizeGiB).toBe(spec.sizeGiB);
    expect(volume.attachedTo).toBeNull();
  });

  it('makes a volume from a snapshot', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, make } = current();
    const volumes = driver.volumes ?? skip('has no volumes');
    const snapshots = driver.snapshots ?? skip('has no snapshots');
    const spec = provider.volume ?? skip('makes no volumes here');
    const origin = await make('volume', volumes, { spec, resource: 'data' });

    const snapshot = await make('snapshot', snapshots, {
      spec: { volumeRef: origin.ref },
      resource: 'kept',
    });
    expect(snapshot).toMatchObject({ volumeRef: origin.ref, sizeGiB: spec.sizeGiB });
    const source = { kind: 'snapshot', ref: snapshot.ref } as const;
    const copy = await make('volume', volumes, { spec: { ...spec, source }, resource: 'copy' });

    expect(copy.ref).not.toBe(origin.ref);
    expect(copy.sizeGiB).toBe(spec.sizeGiB);
  });

  it('copies a volume, or says that it cannot', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, make, tag, operation, until, signal, added } = current();
    const volumes = driver.volumes ?? skip('has no volumes');
    const spec = provider.volume ?? skip('makes no volumes here');
    const origin = await make('volume', volumes, { spec, resource: 'data' });
    const source = { kind: 'volume', ref: origin.ref } as const;
    const copied = volumes.create(
      { ...spec, source },
      tag('copy'),
      nameOf('volume', tag('copy')),
      operation(),
    );

    const copy = await copied.catch(() => undefined);

    if (!copy) {
      expect(await faultOf(copied)).toBe('invalid');
      expect(await added('volume')).toBe(1);
      return;
    }
    await until(async () => lifeOf(await volumes.get(copy.ref, signal())), { state: 'running' });
    expect(copy.ref).not.toBe(origin.ref);
  });

  it('puts a volume back to its snapshot', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, make, operation, until, signal } = current();
    const volumes = driver.volumes ?? skip('has no volumes');
    if (!volumes.revert) skip('cannot');
    const snapshots = driver.snapshots ?? skip('has no snapshots');
    const spec = provider.volume ?? skip('makes no volumes here');
    const { ref } = await make('volume', volumes, { spec, resource: 'data' });
    const snapshot = await make('snapshot', snapshots, { spec: { volumeRef: ref }, resource: 'kept' });

    await volumes.revert?.(ref, snapshot.ref, operation());
    await until(async () => lifeOf(await volumes.get(ref, signal())), { state: 'running' });

    const machine = await make('machine', driver.machines, { spec: provider.machine, resource: 'node-1' });
    await volumes.attach(ref, machine.ref, operation());
    expect(await faultOf(Promise.resolve(volumes.revert?.(ref, snapshot.ref, operation())))).toBe('conflict');
    await volumes.detach(ref, operation());
    await until(async () => ({ to: (await volumes.get(ref, signal()))?.attachedTo ?? null }), { to: null });
  });
}
