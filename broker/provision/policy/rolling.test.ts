import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRolling, surgeOf, type PoolNode } from './index.ts';

const node = (id: string, options: Partial<PoolNode> = {}): PoolNode => ({
  id,
  isOutdated: false,
  isReady: true,
  isDraining: false,
  liveSessions: 0,
  createdAt: new Date(0),
  ...options,
});

describe('planRolling', () => {
  it('does nothing for a pool that is as it shall be', () => {
    expect(planRolling([node('a'), node('b')], 2)).toEqual({ add: 0, drain: [], undrain: [] });
  });

  it('adds what is missing, and takes back what drains before it makes another', () => {
    expect(planRolling([node('a')], 3)).toEqual({ add: 2, drain: [], undrain: [] });
    expect(planRolling([node('a'), node('b', { isDraining: true, liveSessions: 1 })], 3)).toEqual({
      add: 1,
      drain: [],
      undrain: ['b'],
    });
  });

  it('drains the idle, and those that never became ready, first', () => {
    const nodes = [node('busy', { liveSessions: 2 }), node('idle'), node('joining', { isReady: false })];

    expect(planRolling(nodes, 2).drain).toEqual(['joining']);
    expect(planRolling(nodes, 1).drain).toEqual(['joining', 'idle']);
    expect(planRolling(nodes, 0).drain).toEqual(['joining', 'idle', 'busy']);
  });

  it('makes the new node before it drains an old one', () => {
    const old = [node('a', { isOutdated: true, liveSessions: 1 }), node('b', { isOutdated: true })];

    expect(planRolling(old, 2)).toEqual({ add: 1, drain: [], undrain: [] });
    expect(planRolling([...old, node('c', { isReady: false })], 2)).toEqual({
      add: 0,
      drain: [],
      undrain: [],
    });
    expect(planRolling([...old, node('c')], 2)).toEqual({ add: 0, drain: ['b'], undrain: [] });
  });

  it('never drains what is ready for nodes that are still joining', () => {
    const old = Array.from({ length: 5 }, (_, index) => node(`old-${index}`, { isOutdated: true }));
    const joining = Array.from({ length: 10 }, (_, index) => node(`new-${index}`, { isReady: false }));

    expect(planRolling([...old, ...joining], 5).drain.filter((id) => id.startsWith('old'))).toEqual([]);
  });

  it('renews a whole pool: never fewer ready than wanted, never more than the surge, no session ended', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 25 }),
        fc.array(fc.nat(3), { minLength: 25, maxLength: 25 }),
        fc.infiniteStream(fc.nat(2)),
        (target, sessions, luck) => {
          let nodes = Array.from({ length: target }, (_, index) =>
            node(`old-${index}`, { isOutdated: true, liveSessions: sessions[index] ?? 0 }),
          );
          let made = 0;
          let steps = 0;
          const isRenewed = (): boolean =>
            nodes.length === target && nodes.every(({ isOutdated, isReady }) => !isOutdated && isReady);
          while (!isRenewed()) {
            const { add, drain, undrain } = planRolling(nodes, target);
            nodes = nodes.map((one) => ({
              ...one,
              isDraining: (one.isDraining || drain.includes(one.id)) && !undrain.includes(one.id),
            }));
            for (let more = add; more > 0; more -= 1)
              nodes.push(node(`new-${(made += 1)}`, { isReady: false }));
            expect(nodes.length).toBeLessThanOrEqual(target + surgeOf(target));
            expect(
              nodes.filter(({ isReady, isDraining }) => isReady && !isDraining).length,
            ).toBeGreaterThanOrEqual(target);
            // Nodes get ready and sessions end when they will; an idle draining node goes.
            nodes = nodes
              .filter(({ isDraining, liveSessions }) => !isDraining || liveSessions > 0)
              .map((one) => {
                const happens = luck.next().value === 0;
                return {
                  ...one,
                  isReady: one.isReady || happens,
                  liveSessions: Math.max(0, one.liveSessions - Number(happens)),
                };
              });
            steps += 1;
            expect(steps).toBeLessThan(2_000);
          }
          expect(made).toBe(target);
        },
      ),
    );
  });
});
