import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { StillEvent } from '../encoder/index.ts';
import { StillChannel } from './still-channel.ts';

const picture = { widthPx: 1_024, heightPx: 512 };
const keys = Array.from({ length: 32 }, (_, key) => key);
const tileBytes = 10_000;
const wholeBytes = 45;
/** What may wait, what may be handed over at once, and a tile. */
const mostBuffered = (64 + 32) * 1_024 + tileBytes;
const report = (error: unknown): never => {
  throw error as Error;
};

/** A participant whose link carries what the test lets through: a real one cannot be as slow as wanted, when wanted. */
class Link extends EventEmitter {
  readonly observer = new EventEmitter();
  readonly received: Buffer[] = [];
  closed = false;
  isOpen = true;
  most = 0;
  #waiting: Buffer[] = [];
  #threshold = 0;

  readonly #isFast: boolean;

  constructor(isFast: boolean) {
    super();
    this.#isFast = isFast;
  }

  get amount(): number {
    return this.#waiting.reduce((sum, { length }) => sum + length, 0);
  }

  async send(message: Buffer): Promise<number> {
    if (!this.isOpen) throw new Error('The channel is not open');
    this.#waiting.push(message);
    this.most = Math.max(this.most, this.amount);
    if (this.#isFast) this.carry();
    return this.amount;
  }

  async getBufferedAmount(): Promise<number> {
    return this.amount;
  }

  async setBufferedAmountLowThreshold(threshold: number): Promise<void> {
    this.#threshold = threshold;
  }

  /** Lets so many messages through. */
  carry(count = Infinity): void {
    const wasHigh = this.amount > this.#threshold;
    this.received.push(...this.#waiting.splice(0, count));
    if (wasHigh && this.amount <= this.#threshold) this.emit('bufferedamountlow', this.amount);
  }

  close(): void {
    this.closed = true;
    this.observer.emit('close');
  }
}

function open(): { channel: StillChannel; join: (isFast: boolean) => Link; wanted: boolean[] } {
  const channel = new StillChannel({ id: 'still' } as unknown as types.DataProducer, report);
  const wanted: boolean[] = [];
  channel.events.on('wanted', (isWanted) => wanted.push(isWanted));
  const join = (isFast: boolean): Link => {
    const link = new Link(isFast);
    channel.welcome(link as unknown as types.DataConsumer);
    return link;
  };
  return { channel, join, wanted };
}

/** One that carries its generation and its place. */
function tile(generation: number, key: number): StillEvent {
  const bytes = new Uint8Array(tileBytes);
  bytes.set([1, generation, key]);
  return { kind: 'tile', key, bytes };
}

function tellStill(channel: StillChannel, generation: number, changed: readonly number[] = keys): void {
  channel.take({ kind: 'begun', generation, picture, changed });
  for (const key of changed) channel.take(tile(generation, key));
  const sha256 = new Uint8Array(32).fill(generation);
  channel.take({ kind: 'whole', generation, picture, rtpTimestamp: generation, sha256 });
}

const isWhole = (message: Buffer | undefined, generation: number): boolean =>
  message?.length === wholeBytes && message.readUInt32BE(1) === generation;

/** What its canvas shows: of each place the generation that came last. */
function canvasOf({ received }: Link): Map<number, number> {
  const tiles = received.filter(({ length }) => length === tileBytes);
  return new Map(tiles.map((message) => [message[2] ?? 0, message[1] ?? 0]));
}

afterEach(() => vi.useRealTimers());

describe('StillChannel', () => {
  it('sends each participant all tiles and then the word that they are whole, a newcomer too', async () => {
    const { channel, join, wanted } = open();
    const first = join(true);
    tellStill(channel, 1);
    await expect.poll(() => isWhole(first.received.at(-1), 1)).toBe(true);
    expect(canvasOf(first).size).toBe(keys.length);

    const second = join(true);
    await expect.poll(() => isWhole(second.received.at(-1), 1)).toBe(true);
    expect(second.received).toHaveLength(keys.length + 1);

    first.close();
    second.close();
    expect(wanted).toEqual([true, false]);
  });

  it('lets a slow participant hold up nobody, hands it little at a time, and of each place only the latest', async () => {
    const { channel, join } = open();
    const [slow, fast] = [join(false), join(true)];
    for (let generation = 1; generation <= 5; generation += 1) {
      if (generation > 1) channel.take({ kind: 'over' });
      tellStill(channel, generation);
      await expect.poll(() => isWhole(fast.received.at(-1), generation)).toBe(true);
    }
    expect(slow.received).toEqual([]);
    expect(slow.most).toBeLessThanOrEqual(mostBuffered);

    await expect
      .poll(() => {
        slow.carry(4);
        return isWhole(slow.received.at(-1), 5);
      })
      .toBe(true);

    expect(slow.most).toBeLessThanOrEqual(mostBuffered);
    expect(new Set(canvasOf(slow).values())).toEqual(new Set([5]));
    expect(slow.received.length).toBeLessThan(keys.length + mostBuffered / tileBytes + 2);
    slow.close();
    fast.close();
  });

  it('sends nothing more of a picture that is over, and with the next only what holds', async () => {
    const { channel, join } = open();
    const slow = join(false);
    tellStill(channel, 1);
    await expect.poll(() => slow.amount).toBeGreaterThan(64 * 1_024);
    channel.take({ kind: 'over' });
    slow.carry();
    const before = slow.received.length;

    tellStill(channel, 2, keys.slice(16));
    await expect
      .poll(() => {
        slow.carry();
        return isWhole(slow.received.at(-1), 2);
      })
      .toBe(true);

    expect(before).toBeLessThan(keys.length);
    expect([...canvasOf(slow)].sort(([one], [other]) => one - other)).toEqual(
      keys.map((key) => [key, key < 16 ? 1 : 2]),
    );
    slow.close();
  });

  it('waits for a channel that opens late, and sends all anew when that is asked for', async () => {
    const { channel } = open();
    tellStill(channel, 1);
    const link = new Link(true);
    link.isOpen = false;
    channel.welcome(link as unknown as types.DataConsumer);
    link.isOpen = true;
    await expect.poll(() => isWhole(link.received.at(-1), 1)).toBe(true);

    channel.sendAnew(link as unknown as types.DataConsumer);

    await expect.poll(() => link.received.length).toBe(2 * (keys.length + 1));
    link.close();
  });

  it('tells at least how much a link carried of a still, once that is more than waits in it', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { channel, join } = open();
    const [slow, fast] = [join(false), join(true)];
    const paceOf = (link: Link): unknown => channel.paceOf(link as unknown as types.DataConsumer);
    channel.take({ kind: 'begun', generation: 1, picture, changed: keys });
    vi.advanceTimersByTime(100);
    for (const key of keys) channel.take(tile(1, key));
    await expect.poll(() => canvasOf(fast).size).toBe(keys.length);

    expect(paceOf(slow)).toBeUndefined();
    const bits = keys.length * tileBytes * 8;
    expect(paceOf(fast)).toMatchObject({ kbps: bits / 100 });

    vi.advanceTimersByTime(900);
    slow.carry();
    await expect.poll(() => paceOf(slow)).toBeDefined();
    const { kbps } = channel.paceOf(slow as unknown as types.DataConsumer) ?? { kbps: Infinity };
    expect(kbps).toBeLessThanOrEqual(bits / 1_000);
    slow.close();
    fast.close();
  });

  it('forgets the tiles of another size', async () => {
    const { channel, join } = open();
    tellStill(channel, 1);
    channel.take({ kind: 'over' });
    const smaller = { widthPx: 256, heightPx: 64 };
    channel.take({ kind: 'begun', generation: 2, picture: smaller, changed: [0] });
    channel.take(tile(2, 0));
    const sha256 = new Uint8Array(32);
    channel.take({ kind: 'whole', generation: 2, picture: smaller, rtpTimestamp: 2, sha256 });

    const link = join(true);

    await expect.poll(() => isWhole(link.received.at(-1), 2)).toBe(true);
    expect([...canvasOf(link)]).toEqual([[0, 2]]);
    link.close();
  });
});
