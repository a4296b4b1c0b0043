import { describe, expect, it } from 'vitest';
import type { FrameArrival } from '@medusa/protocol';
import { createPathRate, rateLimits, type PathRate } from './path-rate.ts';

type Path = { readonly kbps: number; readonly delayMs: number; readonly queueMs: number };
type Stretch = { readonly untilMs: number; readonly path: Path | null; readonly frameBytes?: number };

/** A viewer's clock has another zero. */
const viewerClockMs = 987_654;
const toldEveryMs = 100;
/** Without a picture as large as this the rate is not used. */
const richFrameBytes = 80_000;

type Frame = FrameArrival & { readonly atNodeMs: number };

/** A line with a queue that drops what finds no room. Answers when a frame is there, by the node's clock, or that it is lost. */
function createLine(): (path: Path | null, bytes: number, nowMs: number) => number | undefined {
  let freeAtMs = 0;
  return (path, bytes, nowMs) => {
    const startMs = Math.max(nowMs, freeAtMs);
    if (!path || startMs - nowMs >= path.queueMs) return undefined;
    freeAtMs = startMs + (bytes * 8) / path.kbps;
    return freeAtMs + path.delayMs;
  };
}

/** Thirty frames a second, each as large as the rate allows. Answers the delay of each frame that came, by when it was sent. */
function stream(
  rate: PathRate,
  stretches: readonly Stretch[],
  { frameBytes = richFrameBytes, telling = true } = {},
): { sentMs: number; delayMs: number; kbps: number }[] {
  const seen: { sentMs: number; delayMs: number; kbps: number }[] = [];
  let onTheWay: Frame[] = [];
  const cross = createLine();
  const send = (now: number, { path, frameBytes: most = frameBytes }: Stretch): void => {
    const kbps = rate.kbps ?? rateLimits.firstKbps;
    const bytes = Math.min(most, (kbps * 33) / 8);
    const rtpTimestamp = now * 90;
    rate.sent({ rtpTimestamp, bytes, wireBytes: bytes, atMs: now });
    const arrivesMs = cross(path, bytes, now);
    if (!path || arrivesMs === undefined) return;
    seen.push({ sentMs: now, delayMs: arrivesMs - now, kbps });
    const atMs = arrivesMs + viewerClockMs;
    onTheWay.push({ rtpTimestamp, atMs, untold: 0, atNodeMs: arrivesMs + path.delayMs });
  };
  const tell = (now: number): void => {
    const told = onTheWay.filter(({ atNodeMs }) => atNodeMs <= now);
    onTheWay = onTheWay.filter((frame) => !told.includes(frame));
    rate.arrived(told, now);
  };
  let now = 0;
  for (const stretch of stretches)
    for (; now < stretch.untilMs; now += 1) {
      if (now % 33 === 0) send(now, stretch);
      if (now % toldEveryMs === 0 && telling) tell(now);
    }
  return seen;
}

const lan: Path = { kbps: 100_000, delayMs: 1, queueMs: 100 };
const slow: Path = { kbps: 5_000, delayMs: 40, queueMs: 100 };

describe('PathRate', () => {
  it('rises to the most on a fast path, as long as that is used', () => {
    const rate = createPathRate();
    stream(rate, [{ untilMs: 10_000, path: lan }], { frameBytes: 1e6 });
    expect(rate.kbps).toBe(rateLimits.mostKbps);

    const rested = createPathRate();
    stream(rested, [{ untilMs: 10_000, path: lan }], { frameBytes: 2_000 });
    expect(rested.kbps).toBe(rateLimits.firstKbps);
  });

  it('keeps to a narrow path without a standing queue, and comes back in three seconds', () => {
    const rate = createPathRate();
    const seen = stream(rate, [
      { untilMs: 20_000, path: slow },
      { untilMs: 24_000, path: lan },
    ]);
    const settled = seen.filter(({ sentMs }) => sentMs > 2_000 && sentMs < 20_000);
    const sorted = settled.map(({ delayMs }) => delayMs).sort((one, other) => one - other);
    expect(sorted[Math.floor(sorted.length * 0.95)]).toBeLessThan(180);
    const mean = settled.reduce((sum, { kbps }) => sum + kbps, 0) / settled.length;
    expect(mean).toBeGreaterThan(0.7 * slow.kbps);
    expect(mean).toBeLessThan(slow.kbps);
    const back = seen.find(({ sentMs, kbps }) => sentMs > 20_000 && kbps > rateLimits.firstKbps);
    expect(back?.sentMs).toBeLessThan(23_000);
  });

  it('does not rise beyond what the path carries while the picture needs less', () => {
    const rate = createPathRate();
    stream(rate, [
      { untilMs: 1_000, path: slow, frameBytes: 3_000 },
      { untilMs: 20_000, path: slow, frameBytes: 16_000 },
    ]);
    expect(rate.kbps).toBeLessThan(1.1 * slow.kbps);
  });

  it('begins with what was expected, until it knows better', () => {
    const rate = createPathRate();
    rate.expect(2_000);
    expect(rate.kbps).toBe(1_600);
    stream(rate, [{ untilMs: 6_000, path: slow }]);
    expect(rate.kbps).toBeGreaterThan(0.6 * slow.kbps);
    const known = rate.kbps;
    rate.expect(1_000);
    expect(rate.kbps).toBe(known);

    const fast = createPathRate();
    fast.expect(900_000);
    expect(fast.kbps).toBe(rateLimits.firstKbps);
  });

  it('falls while nothing comes through, and is unknown after some time', () => {
    const rate = createPathRate();
    stream(rate, [
      { untilMs: 2_000, path: lan },
      { untilMs: 4_000, path: null },
    ]);
    expect(rate.kbps).toBeLessThan(rateLimits.firstKbps);

    const hidden = createPathRate();
    stream(hidden, [
      { untilMs: 2_000, path: lan },
      { untilMs: 6_000, path: null },
    ]);
    expect(hidden.kbps).toBeUndefined();
  });

  it('is unknown for a viewer that tells nothing, and takes no notice of frames it does not know', () => {
    const rate = createPathRate();
    stream(rate, [{ untilMs: 1_000, path: lan }], { telling: false });
    rate.arrived([{ rtpTimestamp: 1, atMs: 5, untold: 0 }], 1_000);
    expect(rate.kbps).toBeUndefined();
  });

  it('is not moved by single late frames', () => {
    const rate = createPathRate();
    for (let frame = 0; frame < 300; frame += 1) {
      const atMs = frame * 33;
      rate.sent({ rtpTimestamp: atMs, bytes: 10_000, wireBytes: 10_000, atMs });
      // One in ten lost a packet, which was sent again.
      const arrival = { rtpTimestamp: atMs, atMs: atMs + (frame % 10 === 0 ? 120 : 40), untold: 0 };
      rate.arrived([arrival], atMs + 80);
    }
    expect(rate.kbps).toBeGreaterThanOrEqual(rateLimits.firstKbps);
  });
});
