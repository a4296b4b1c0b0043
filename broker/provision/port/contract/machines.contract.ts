import { providerCatalogSchema } from '@medusa/protocol';
import { expect, it } from 'vitest';
import type { Machine, MachineAction } from '../driver.ts';
import { isProviderFault } from '../errors.ts';
import { nameOf } from '../resource.ts';
import { faultOf } from './lifecycle.contract.ts';
import { alive, lifeOf, testLimitMs, type Trial } from './trial.ts';

const allActions: readonly MachineAction[] = ['start', 'stop', 'restart', 'suspend', 'resume'];

/** Each with the state it leads to, in an order in which each is possible. */
const walk: readonly (readonly [MachineAction, string])[] = [
  ['restart', 'running'],
  ['suspend', 'suspended'],
  ['suspend', 'suspended'],
  ['resume', 'running'],
  ['stop', 'stopped'],
  ['stop', 'stopped'],
  ['start', 'running'],
  ['start', 'running'],
];

/** Whether it was refused because of the state it is in; anything else is thrown. */
async function refusal(call: Promise<void>): Promise<'none' | 'conflict'> {
  return call.then(
    () => 'none',
    (error: unknown) => {
      if (isProviderFault(error, 'conflict')) return 'conflict';
      throw error;
    },
  );
}

/** What holds for machines alone. */
export function describeMachines(current: () => Trial): void {
  it('is there, and offers what the machine asks for', { timeout: testLimitMs }, async () => {
    const { driver, provider, signal } = current();

    expect((await driver.probe(signal())).version).not.toBe('');
    const catalog = providerCatalogSchema.parse(await driver.catalog(signal()));
    expect(catalog.sizes.map(({ id }) => id)).toContain(provider.machine.size);
    if (catalog.images.length > 0)
      expect(catalog.images.map(({ id }) => id)).toContain(provider.machine.image);
  });

  it('takes each of its actions to the state it leads to', { timeout: testLimitMs }, async () => {
    const { driver, provider, make, operation, until, signal } = current();
    const { machines } = driver;
    const { ref } = await make('machine', machines, { spec: provider.machine, resource: 'node-1' });

    for (const [action, state] of walk.filter(([action]) => machines.actions.includes(action))) {
      // Who is told late may ask too early: refused as long as the step before is under way, and taken after it.
      await until(async () => ({ fault: await refusal(machines.act(ref, action, operation())) }), {
        fault: 'none',
      });
      await until(async () => ({ action, ...lifeOf(await machines.get(ref, signal())) }), { action, state });
    }
    for (const action of allActions.filter((candidate) => !machines.actions.includes(candidate)))
      expect(await faultOf(machines.act(ref, action, operation()))).toBe('invalid');
  });

  it('lists many machines, each once', { timeout: testLimitMs }, async () => {
    const { driver, provider, tag, operation, until, signal } = current();
    const tags = [1, 2, 3].map((number) => tag(`node-${number}`));

    const made = await Promise.all(
      tags.map(async (one) =>
        driver.machines.create(provider.machine, one, nameOf('machine', one), operation()),
      ),
    );

    const refs = made.map(({ ref }) => ref).sort();
    await until(
      async () => ({
        refs: (await alive(driver.machines, tag('x').owner, signal())).map(({ ref }) => ref).sort(),
      }),
      { refs },
    );
  });

  it('gives a running machine its request back', { timeout: testLimitMs }, async () => {
    const { driver, provider, make } = current();

    const machine: Machine = await make('machine', driver.machines, {
      spec: provider.machine,
      resource: 'node-1',
    });

    // What a provider does not tell is null, never something else.
    expect([provider.machine.size, null]).toContain(machine.size);
    expect([provider.machine.image, null]).toContain(machine.image);
    if (provider.machine.zone !== null) expect(machine.zone).toBe(provider.machine.zone);
  });

  it('refuses a size that is not offered, and leaves nothing', { timeout: testLimitMs }, async () => {
    const { driver, provider, tag, operation, signal, added } = current();
    const machine = { ...provider.machine, size: 'no-such-size' };

    const call = driver.machines.create(machine, tag('n'), nameOf('machine', tag('n')), operation());

    expect(['invalid', 'not-found']).toContain(await faultOf(call));
    expect(await alive(driver.machines, tag('n').owner, signal())).toEqual([]);
    expect(await added('machine')).toBe(0);
  });

  it('refuses to give one name to two', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, tag, operation, added } = current();
    if (!driver.traits.uniqueNames) skip('promises no such thing');
    const name = nameOf('machine', tag('node-1'));
    await driver.machines.create(provider.machine, tag('node-1'), name, operation());

    const call = driver.machines.create(provider.machine, tag('node-2'), name, operation());

    expect(await faultOf(call)).toBe('conflict');
    expect(await added('machine')).toBe(1);
  });

  it('tells of a machine that broke, and replaces it', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, make, tag, operation, until, signal } = current();
    const { machines } = driver;
    if (!provider.breakMachine) skip('cannot be broken here');
    const { ref } = await make('machine', machines, { spec: provider.machine, resource: 'node-1' });

    await provider.breakMachine?.(ref);

    const isBroken = async (): Promise<{ isBroken: boolean }> => {
      const machine = await machines.get(ref, signal());
      const isDown = machine && ['error', 'terminated', 'stopped'].includes(machine.state);
      return { isBroken: machine === undefined || (isDown === true && machine.detail !== '') };
    };
    await until(isBroken, { isBroken: true });
    await machines.destroy(ref, operation());
    const next = tag('node-1', { incarnation: 2 });
    const made = await machines.create(provider.machine, next, nameOf('machine', next), operation());
    await until(async () => lifeOf(await machines.get(made.ref, signal())), { state: 'running' });
    await until(async () => ({ alive: (await alive(machines, next.owner, signal())).length }), { alive: 1 });
  });

  it('shows what the machine printed, or where its screen is', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, make, signal } = current();
    if (!driver.machines.console) skip('has no console');
    const { ref } = await make('machine', driver.machines, { spec: provider.machine, resource: 'node-1' });

    const shown = await driver.machines.console?.(ref, signal());

    if (shown?.kind === 'url') expect(URL.canParse(shown.url)).toBe(true);
    else expect(Buffer.byteLength(shown?.text ?? '')).toBeLessThanOrEqual(64 * 1024);
  });

  it('tells that something changed, until it is told to stop', { timeout: testLimitMs }, async ({ skip }) => {
    const { driver, provider, tag, operation, until } = current();
    if (!driver.watch) skip('does not watch');
    const told: (string | null)[] = [];
    const stopping = new AbortController();
    const watching = driver.watch?.(tag('x').owner, (ref) => told.push(ref), stopping.signal);
    watching?.catch(() => undefined);

    let number = 0;
    // The first change may come before the watch has begun.
    const changeAndCount = async (): Promise<{ isTold: boolean }> => {
      number += 1;
      const one = tag(`node-${number}`);
      if (told.length === 0)
        await driver.machines.create(provider.machine, one, nameOf('machine', one), operation());
      return { isTold: told.length > 0 };
    };
    await until(changeAndCount, { isTold: true });

    stopping.abort();
    await Promise.allSettled([watching]);
  });
}
