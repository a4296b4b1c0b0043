import { createDoubling, doubledShare } from '../sfu/doubling.ts';
import { createPathRate, rateLimits } from '../sfu/path-rate.ts';

export type LossyLine = {
  readonly kbps: number;
  /** One way. */
  readonly delayMs: number;
  readonly queueBytes: number;
  /** Of the packets, at random. */
  readonly lossShare: number;
};
type Frame = {
  readonly rtpTimestamp: number;
  readonly sentMs: number;
  readonly missing: Set<number>;
  /** All of its packets are there. */
  arrivedMs?: number;
};
export type Seen = {
  readonly sentMs: number;
  readonly delayMs: number;
  readonly kbps: number;
  readonly isDoubled: boolean;
};

const frameMs = 33;
const packetBytes = 1_240;
const toldEveryMs = 100;
/** What x264 makes of the rate that it is given. */
const encoderUse = 0.78;
const reactionMs = 5;

/**
 * A viewer at the end of a line that loses packets, which are sent again after a round trip, and the node that adapts to what it hears.
 * Simulated time: the same numbers each time.
 * @param mostFrameBytes what a picture takes at the best quality.
 */
export function watchOverLossyLine(
  line: LossyLine,
  { seconds, mostFrameBytes, mayDouble }: { seconds: number; mostFrameBytes: number; mayDouble: boolean },
  random: () => number,
): Seen[] {
  const rate = createPathRate();
  // By the check of the device.
  rate.expect(0.9 * line.kbps);
  const doubling = createDoubling();
  const due = new Map<number, (() => void)[]>();
  const at = (ms: number, work: () => void): void => {
    const when = Math.max(now + 1, Math.round(ms));
    due.set(when, [...(due.get(when) ?? []), work]);
  };
  const seen: Seen[] = [];
  const waiting: Frame[] = [];
  const counts = { packets: 0, nackedPackets: 0, roundTripMs: 2 * line.delayMs };
  let told: { rtpTimestamp: number; atMs: number; untold: number }[] = [];
  let [now, freeAtMs, isDoubled] = [0, 0, false];

  /** When the packet is there; undefined: it is lost. */
  const cross = (): number | undefined => {
    const startMs = Math.max(now, freeAtMs);
    if (((startMs - now) * line.kbps) / 8 > line.queueBytes) return undefined;
    freeAtMs = startMs + (packetBytes * 8) / line.kbps;
    return random() < line.lossShare ? undefined : freeAtMs + line.delayMs;
  };
  const show = (): void => {
    for (let frame = waiting[0]; frame?.arrivedMs !== undefined; frame = waiting[0]) {
      waiting.shift();
      seen.push({ sentMs: frame.sentMs, delayMs: now - frame.sentMs, kbps: rate.kbps ?? 0, isDoubled });
      told.push({ rtpTimestamp: frame.rtpTimestamp, atMs: frame.arrivedMs, untold: 0 });
    }
  };
  const take = (frame: Frame, packet: number): void => {
    frame.missing.delete(packet);
    if (frame.missing.size === 0) frame.arrivedMs ??= now;
    show();
  };
  const send = (frame: Frame, packet: number): void => {
    const arrivesMs = cross();
    if (arrivesMs !== undefined) {
      at(arrivesMs, () => take(frame, packet));
      return;
    }
    // Noticed by the packet behind it.
    at(Math.max(now, freeAtMs) + line.delayMs + reactionMs, () => ask(frame, packet));
  };
  const ask = (frame: Frame, packet: number): void => {
    counts.nackedPackets += 1;
    at(now + line.delayMs, () => frame.missing.has(packet) && send(frame, packet));
  };
  const push = (): void => {
    const wanted = (rate.kbps ?? rateLimits.firstKbps) * (isDoubled ? doubledShare : 1) * encoderUse;
    const bytes = Math.min(mostFrameBytes, (wanted * frameMs) / 8) * (0.85 + 0.3 * random());
    const packets = Array.from({ length: Math.ceil(bytes / packetBytes) }, (_, index) => index);
    const frame: Frame = { rtpTimestamp: now * 90, sentMs: now, missing: new Set(packets) };
    waiting.push(frame);
    counts.packets += packets.length;
    rate.sent({
      rtpTimestamp: frame.rtpTimestamp,
      bytes,
      wireBytes: isDoubled ? 2 * bytes : bytes,
      atMs: now,
    });
    for (const packet of packets) send(frame, packet);
    if (!isDoubled) return;
    for (const packet of packets) {
      const arrivesMs = cross();
      if (arrivesMs !== undefined) at(arrivesMs, () => take(frame, packet));
    }
  };
  const tell = (): void => {
    const arrivals = told;
    told = [];
    if (arrivals.length > 0) at(now + line.delayMs, () => rate.arrived(arrivals, now));
  };

  for (; now < seconds * 1_000; now += 1) {
    for (const work of due.get(now) ?? []) work();
    due.delete(now);
    if (now % frameMs === 0) push();
    if (now % toldEveryMs === 0) tell();
    if (now % 1_000 === 0) {
      isDoubled = doubling.take({ nowMs: now, counts: { ...counts }, fullAtMs: rate.fullAtMs }) && mayDouble;
      rate.lost(doubling.lostShare, now);
    }
  }
  return seen;
}
