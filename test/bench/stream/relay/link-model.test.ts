import { describe, expect, test } from 'vitest';
import { seeded } from '../random.ts';
import { createLine, type Direction, type Fate } from './link-model.ts';
import { links } from './links.ts';

const perfect: Direction = { kbps: 8_000, delayMs: 0, queueBytes: 10_000, loss: { kind: 'none' } };
const arrival = (fate: Fate): number => (fate.kind === 'arrives' ? fate.atMs : Number.NaN);

describe('rate and delay', () => {
  test('a packet that finds the line free takes its time on the wire and the delay', () => {
    const line = createLine({ ...perfect, delayMs: 20 }, seeded(1));

    expect(line(1_000, 5)).toEqual({ kind: 'arrives', atMs: 5 + 1 + 20 });
  });

  test('packets that come together leave one after the other, and a pause frees the line', () => {
    const line = createLine(perfect, seeded(1));

    expect([0, 0, 0, 10].map((nowMs) => arrival(line(1_000, nowMs)))).toEqual([1, 2, 3, 11]);
  });

  test('however much is offered, no more gets through than the rate', () => {
    const line = createLine(perfect, seeded(1));
    const arrived = Array.from({ length: 5_000 }, (_, index) => line(1_000, index / 4)).filter(
      (fate) => fate.kind === 'arrives' && fate.atMs <= 1_000,
    );

    expect(arrived).toHaveLength(1_000);
  });

  test('nothing overtakes', () => {
    const random = seeded(3);
    const line = createLine({ ...perfect, delayMs: 7 }, random);
    let nowMs = 0;
    const arrivals = Array.from({ length: 1_000 }, () => {
      nowMs += random() * 2;
      return arrival(line(40 + Math.floor(random() * 1_460), nowMs));
    }).filter((atMs) => !Number.isNaN(atMs));

    expect(arrivals).toEqual([...arrivals].sort((one, other) => one - other));
  });
});

describe('queue', () => {
  test('it holds what it is said to hold, and the next packet is dropped', () => {
    const line = createLine(perfect, seeded(1));
    const fates = Array.from({ length: 12 }, () => line(1_000, 0).kind);

    expect(fates.filter((kind) => kind === 'arrives')).toHaveLength(10);
    expect(fates.slice(10)).toEqual(['no-room', 'no-room']);
  });

  test('a small packet may still find room where a large one does not', () => {
    const line = createLine(perfect, seeded(1));
    for (let packet = 0; packet < 9; packet += 1) line(1_050, 0);

    expect([line(1_050, 0).kind, line(100, 0).kind]).toEqual(['no-room', 'arrives']);
  });

  test('a dropped packet takes no time on the wire', () => {
    const line = createLine(perfect, seeded(1));
    for (let packet = 0; packet < 20; packet += 1) line(1_000, 0);

    expect(arrival(line(1_000, 5))).toBe(11);
  });

  test('nobody waits longer than the queue is long', () => {
    const { queueBytes, kbps, delayMs } = links['20m'];
    const line = createLine(links['20m'], seeded(1));
    const waits = Array.from({ length: 2_000 }, (_, index) => arrival(line(1_400, index / 10)) - index / 10);

    expect(Math.max(...waits.filter((ms) => !Number.isNaN(ms)))).toBeLessThanOrEqual(
      (queueBytes * 8) / kbps + delayMs,
    );
  });
});

describe('loss', () => {
  const fatesOf = (loss: Direction['loss'], seed = 1): boolean[] => {
    const line = createLine({ ...perfect, kbps: 1e9, loss }, seeded(seed));
    return Array.from({ length: 100_000 }, (_, index) => line(1_000, index).kind === 'lost');
  };
  const shareOf = (fates: readonly boolean[]): number => fates.filter(Boolean).length / fates.length;
  const burstsOf = (fates: readonly boolean[]): number[] =>
    fates
      .map((isLost) => (isLost ? 'x' : ' '))
      .join('')
      .split(/ +/)
      .filter((run) => run !== '')
      .map((run) => run.length);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;

  test('random loss takes its share, one packet at a time', () => {
    const fates = fatesOf({ kind: 'random', share: 0.01 });

    expect(shareOf(fates)).toBeCloseTo(0.01, 2);
    expect(mean(burstsOf(fates))).toBeLessThan(1.1);
  });

  test('bursts take the same share in runs of the told length', () => {
    const fates = fatesOf({ kind: 'bursts', share: 0.03, burstPackets: 5 });

    expect(shareOf(fates)).toBeCloseTo(0.03, 2);
    expect(mean(burstsOf(fates))).toBeCloseTo(5, 0);
  });

  test('the same seed loses the same packets, another one others', () => {
    const loss = { kind: 'bursts', share: 0.03, burstPackets: 5 } as const;

    expect(fatesOf(loss, 7)).toEqual(fatesOf(loss, 7));
    expect(fatesOf(loss, 7)).not.toEqual(fatesOf(loss, 8));
  });

  test('a lost packet has taken its time on the wire', () => {
    const line = createLine({ ...perfect, loss: { kind: 'random', share: 0.5 } }, seeded(1));
    const fates = Array.from({ length: 8 }, () => line(1_000, 0));

    const numbered = fates.map((fate, index) => ({ expected: index + 1, atMs: arrival(fate) }));
    const arrived = numbered.filter(({ atMs }) => !Number.isNaN(atMs));
    expect(arrived.length).toBeLessThan(8);
    expect(arrived.map(({ atMs }) => atMs)).toEqual(arrived.map(({ expected }) => expected));
  });
});
