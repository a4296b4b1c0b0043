import type { ResourceKind } from '@medusa/protocol';
import { expect, it } from 'vitest';
import { isProviderFault } from '../errors.ts';
import { nameOf } from '../resource.ts';
import { alive, isGone, lifeOf, sampleOf, testLimitMs, type Trial } from './trial.ts';

/** What holds for a thing of every kind. */
export function describeLifecycle(kind: ResourceKind, current: () => Trial): void {
  it(`creates a ${kind}, lists it and destroys it`, { timeout: testLimitMs }, async ({ skip }) => {
    const trial = current();
    const { port, specAt } = (await sampleOf(trial, kind)) ?? skip(`has no ${kind}`);
    const tag = trial.tag('node-1', { incarnation: 2 });
    const before = await trial.added(kind);

    const made = await port.create(specAt(0), tag, nameOf(kind, tag), trial.operation());

    expect(made).toMatchObject({ name: nameOf(kind, tag), tag });
    await trial.until(async () => lifeOf(await port.get(made.ref, trial.signal())), { state: 'running' });
    expect(await port.get(made.ref, trial.signal())).toMatchObject({ ref: made.ref, tag });
    const listed = await port.list(tag.owner, trial.signal());
    expect(listed.filter(({ ref }) => ref === made.ref)).toMatchObject([{ name: nameOf(kind, tag), tag }]);
    expect(await trial.added(kind)).toBe(before + 1);

    await port.destroy(made.ref, trial.operation());
    await trial.until(async () => ({ gone: isGone(await port.get(made.ref, trial.signal())) }), {
      gone: true,
    });
    await trial.until(
      async () => ({
        listed: (await alive(port, tag.owner, trial.signal())).some(({ ref }) => ref === made.ref),
      }),
      { listed: false },
    );
    await trial.until(async () => ({ added: await trial.added(kind) }), { added: before });
    await port.destroy(made.ref, trial.operation());
  });

  it(`does not double a ${kind} that is created again`, { timeout: testLimitMs }, async ({ skip }) => {
    const trial = current();
    const { uniqueNames, idempotencyTokens } = trial.driver.traits;
    if (!uniqueNames && !idempotencyTokens) skip('promises no such thing');
    const { port, specAt } = (await sampleOf(trial, kind)) ?? skip(`has no ${kind}`);
    const tag = trial.tag('node-1');
    const create = async (id: string): Promise<string> =>
      (await port.create(specAt(0), tag, nameOf(kind, tag), trial.operation(id))).ref;
    const before = await trial.added(kind);

    const first = await create('same');

    expect(await create('same')).toBe(first);
    if (uniqueNames) expect(await create('another')).toBe(first);
    // One of two at the same time may be refused, but never are there two.
    const other = trial.tag('node-2');
    const both = await Promise.allSettled(
      [1, 2].map(async () => port.create(specAt(1), other, nameOf(kind, other), trial.operation('both'))),
    );
    expect(both.some(({ status }) => status === 'fulfilled')).toBe(true);
    await trial.until(async () => ({ listed: (await alive(port, tag.owner, trial.signal())).length }), {
      listed: 2,
    });
    expect(await trial.added(kind)).toBe(before + 2);
  });

  it(`lists a ${kind} for its owner alone`, { timeout: testLimitMs }, async ({ skip }) => {
    const trial = current();
    const { port, specAt } = (await sampleOf(trial, kind)) ?? skip(`has no ${kind}`);
    const mine = trial.tag('node-1', { owner: trial.owner() });
    const theirs = trial.tag('node-1', { owner: trial.owner() });
    const made = await port.create(specAt(0), mine, nameOf(kind, mine), trial.operation());
    const other = await port.create(specAt(1), theirs, nameOf(kind, theirs), trial.operation());

    const refs = async (owner: string): Promise<unknown> => ({
      refs: (await alive(port, owner, trial.signal())).map(({ ref }) => ref),
    });

    await trial.until(async () => refs(mine.owner), { refs: [made.ref] });
    await trial.until(async () => refs(theirs.owner), { refs: [other.ref] });
    expect(await port.list(trial.owner(), trial.signal())).toEqual([]);
  });

  it(`leaves no ${kind} behind when the call was aborted`, { timeout: testLimitMs }, async ({ skip }) => {
    const trial = current();
    const { port, specAt } = (await sampleOf(trial, kind)) ?? skip(`has no ${kind}`);
    const tag = trial.tag('node-1', { owner: trial.owner() });
    const before = await trial.added(kind);

    await expect(
      port.create(specAt(0), tag, nameOf(kind, tag), { id: 'aborted', signal: AbortSignal.abort() }),
    ).rejects.toThrow();

    expect(await port.list(tag.owner, trial.signal())).toEqual([]);
    expect(await trial.added(kind)).toBe(before);
  });

  it(`knows a ${kind} after a restart of the broker`, { timeout: testLimitMs }, async ({ skip }) => {
    const trial = current();
    const { port, specAt } = (await sampleOf(trial, kind)) ?? skip(`has no ${kind}`);
    const tag = trial.tag('node-1', { owner: trial.owner() });
    const made = await port.create(specAt(0), tag, nameOf(kind, tag), trial.operation());

    const successor = await sampleOf({ ...trial, driver: await trial.reopen() }, kind);

    await trial.until(async () => lifeOf(await successor?.port.get(made.ref, trial.signal())), {
      state: 'running',
    });
    expect(await successor?.port.list(tag.owner, trial.signal())).toMatchObject([{ ref: made.ref, tag }]);
  });
}

/** The fault of a call that must fail. */
export async function faultOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return isProviderFault(error) ? error.fault : `not a ProviderError: ${String(error)}`;
  }
  return 'none';
}
