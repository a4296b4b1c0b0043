import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FrameTaken } from '@medusa/protocol';
import { FrameSender } from './frame-sender.ts';
import { isKeyframeUnit, type OutgoingFrame, outgoingFrame } from './outgoing-frame.ts';

const frameMs = 16;
const begin = 1;
const kbps = 8_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A participant that takes frames when the test says so: a real one cannot be as slow as wanted, when wanted. */
function open(): {
  sender: FrameSender;
  /** RTP timestamps as they came. */
  came: number[];
  wanted: number[];
  channel: { isOpen: boolean; closed: boolean };
  draw: (count: number, isKeyframe?: boolean, bytes?: number) => Promise<boolean[]>;
  take: (changes?: Partial<FrameTaken>) => void;
} {
  const came: number[] = [];
  const wanted: number[] = [];
  const channel = {
    isOpen: true,
    closed: false,
    async send(message: Buffer | string): Promise<number> {
      if (!channel.isOpen) throw new Error('The channel is not open');
      if (message.length > begin) came.push(Buffer.from(message).readUInt32BE(2));
      return 0;
    },
  };
  const wantKeyframe = (): void => void wanted.push(performance.now());
  const sender = new FrameSender(channel, { wantKeyframe, kbps: () => kbps });
  let [drawn, taken] = [0, 0];
  const draw = async (count: number, isKeyframe = false, bytes = 6): Promise<boolean[]> => {
    const sent: boolean[] = [];
    for (let left = count; left > 0; left -= 1) {
      await vi.advanceTimersByTimeAsync(frameMs);
      drawn += 1;
      sent.push(sender.offer(frame(drawn, isKeyframe, bytes)));
    }
    return sent;
  };
  const take = (changes: Partial<FrameTaken> = {}): void => {
    const rtpTimestamp = came[taken];
    if (rtpTimestamp === undefined) throw new Error('nothing came');
    taken += 1;
    sender.heed({ rtpTimestamp, needsKeyframe: false, roundTripMs: 0, ...changes });
  };
  return { sender, came, wanted, channel, draw, take };
}

function frame(rtpTimestamp: number, isKeyframe: boolean, length: number): OutgoingFrame {
  const bytes = new Uint8Array(length).fill(0x80);
  bytes.set([0, 0, 0, 1, isKeyframe ? 0x65 : 0x41]);
  return outgoingFrame({ layer: 'main', bytes, rtpTimestamp });
}

describe('FrameSender', () => {
  it('begins with a keyframe, which it asks for until it comes', async () => {
    const { wanted, draw, came } = open();
    expect(await draw(3)).toEqual([false, false, false]);
    await vi.advanceTimersByTimeAsync(600);
    expect(wanted).toHaveLength(2);

    expect(await draw(1, true)).toEqual([true]);

    await vi.advanceTimersByTimeAsync(5_000);
    expect(wanted).toHaveLength(2);
    expect(came).toEqual([4]);
  });

  it('never has more than two frames under way, and goes on with a keyframe once both are taken', async () => {
    const { wanted, draw, take, came } = open();
    await draw(1, true);
    await draw(1);
    expect(await draw(20)).toEqual(new Array<boolean>(20).fill(false));
    expect(came).toEqual([1, 2]);
    expect(wanted).toHaveLength(1);

    take();
    expect(await draw(1)).toEqual([false]);
    expect(wanted).toHaveLength(1);
    take();
    await vi.advanceTimersByTimeAsync(500);
    expect(wanted).toHaveLength(2);
    expect(await draw(1)).toEqual([false]);
    expect(await draw(1, true)).toEqual([true]);
    expect(await draw(1)).toEqual([true]);
  });

  it('leaves out nothing of who keeps pace', async () => {
    const { draw, take, came, wanted } = open();
    await draw(1, true);
    for (let count = 0; count < 100; count += 1) {
      expect(await draw(1)).toEqual([true]);
      take();
    }
    expect(came).toHaveLength(101);
    expect(wanted).toHaveLength(1);
  });

  it('has as many frames more under way as the path takes to go and be answered, within bounds', async () => {
    const { draw, take, came } = open();
    await draw(1, true);
    take({ roundTripMs: 100 });
    await draw(40);
    expect(came.length - 1).toBe(Math.ceil(100 / frameMs) + 1);

    const lying = open();
    await lying.draw(1, true);
    lying.take({ roundTripMs: 65_535 });
    await lying.draw(200);
    expect(lying.came.length - 1).toBe(Math.ceil(250 / frameMs) + 1);
  });

  it('gives a large frame the time that it takes on the path', async () => {
    const { draw, came } = open();
    await draw(1, true, 50_000);
    await draw(40);
    const tookMs = (50_000 * 8) / kbps;
    // Those after it cannot be there before.
    expect(came.length).toBe(Math.floor(tookMs / frameMs) + 1);
  });

  it('asks ever more seldom for who falls behind again and again', async () => {
    const { draw, take, wanted } = open();
    await draw(1, true);
    for (let round = 0; round < 8; round += 1) {
      await draw(3);
      take();
      take();
      while (wanted.length < round + 2) await vi.advanceTimersByTimeAsync(100);
      await draw(1, true);
    }
    const pauses = wanted.slice(2).map((at, index) => at - (wanted[index + 1] ?? 0));
    expect(pauses).toEqual(pauses.toSorted((one, other) => one - other));
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(8_000);
  });

  it('asks at once for who has lost what it needs, unless a keyframe is under way', async () => {
    const { draw, take, wanted } = open();
    await draw(1, true);
    await vi.advanceTimersByTimeAsync(1_000);
    take({ needsKeyframe: true });
    expect(wanted).toHaveLength(2);
    await draw(1, true);
    await draw(1);
    take();
    take({ needsKeyframe: false });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(wanted).toHaveLength(2);
  });

  it('waits for a channel that opens late, and begins anew when it refused', async () => {
    const { channel, draw, wanted, came } = open();
    await draw(1, true);
    channel.isOpen = false;
    await draw(1);
    channel.isOpen = true;
    await vi.advanceTimersByTimeAsync(600);
    expect(wanted.length).toBeGreaterThanOrEqual(2);
    expect(await draw(1)).toEqual([false]);
    expect(await draw(1, true)).toEqual([true]);
    expect(came).toEqual([1, 4]);
  });

  it('passes over words of frames that it never sent, and is silent once it is closed', async () => {
    const { sender, draw, wanted } = open();
    await draw(1, true);
    sender.heed({ rtpTimestamp: 0xffff_ffff, needsKeyframe: false, roundTripMs: 0 });
    sender.close();
    expect(await draw(1, true)).toEqual([false]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(wanted).toHaveLength(1);
  });
});

describe('isKeyframeUnit', () => {
  it.each([
    [[0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 1, 0, 0, 1, 0x65, 1], true],
    [[0, 0, 0, 1, 0x41, 1, 0, 0, 1, 0x65, 1], false],
    [[0, 0, 1], false],
    [[], false],
  ])('of %j is %s', (bytes, expected) => {
    expect(isKeyframeUnit(Uint8Array.from(bytes))).toBe(expected);
  });
});
