import { describe, expect, it } from 'vitest';
import { backoffMs, createExclusive, TypedEmitter } from './index.ts';

describe('TypedEmitter', () => {
  it('reports a throwing listener and still tells the others', () => {
    const reported: unknown[] = [];
    const emitter = new TypedEmitter<{ moved: [x: number] }>((error) => reported.push(error));
    const seen: number[] = [];
    emitter.on('moved', () => {
      throw new Error('listener');
    });
    emitter.on('moved', (x) => seen.push(x));

    emitter.emit('moved', 7);

    expect(seen).toEqual([7]);
    expect(reported).toEqual([new Error('listener')]);
  });

  it('stops telling a disposed listener', () => {
    const emitter = new TypedEmitter<{ moved: [x: number] }>(() => undefined);
    const seen: number[] = [];
    const listening = emitter.on('moved', (x) => seen.push(x));
    listening[Symbol.dispose]();

    emitter.emit('moved', 1);

    expect(seen).toEqual([]);
  });
});

describe('backoffMs', () => {
  it('grows to its ceiling and stays within half to all of it', () => {
    expect(backoffMs(0, 0)).toBe(50);
    expect(backoffMs(0, 0.999)).toBe(100);
    expect(backoffMs(99, 0)).toBe(2_500);
    expect(backoffMs(99, 0.9999)).toBe(5_000);
  });
});

describe('createExclusive', () => {
  it('does one after the other for a name, also after a failure, and what has another name beside it', async () => {
    const exclusive = createExclusive();
    const done: string[] = [];
    const first = Promise.withResolvers<undefined>();

    const failing = exclusive('a', async () => {
      await first.promise;
      done.push('a1');
      throw new Error('no');
    });
    const second = exclusive('a', async () => done.push('a2'));
    await exclusive('b', async () => done.push('b'));
    first.resolve(undefined);

    await expect(failing).rejects.toThrow('no');
    await second;
    expect(done).toEqual(['b', 'a1', 'a2']);
  });
});
