/** What the SFU counted of one stream of packets to one viewer, since that began. */
export type StreamCounts = {
  readonly packets: number;
  /** Packets that the viewer asked for again (RFC 4585, generic NACK). */
  readonly nackedPackets: number;
  readonly roundTripMs: number;
};

export type PathState = {
  readonly nowMs: number;
  /** Undefined: it has no such stream now. */
  readonly counts: StreamCounts | undefined;
  /** When frames queued on it last; undefined: never. */
  readonly fullAtMs: number | undefined;
};

export type Doubling = {
  /** Packets asked for again, of those sent between the latest two counts. */
  readonly lostShare: number;
  /** @returns whether each packet is to be sent twice to this viewer. */
  take(path: PathState): boolean;
};

/** Of the rate of the path, for the picture when all of it goes twice: what is left is for headers. */
export const doubledShare = 0.47;

const windowMs = 4_000;
const lossy = { fewest: 3, share: 0.004 } as const;
/** Sooner than the next picture but one, a resend is hardly seen. */
const far = { fromMs: 45, untilMs: 30 } as const;
/** Most browsers ask for a packet before its second one comes, so losses are seen all the while; of the others only by leaving off. */
const patience = { leastMs: 30_000, mostMs: 240_000, isSoonMs: 15_000 } as const;

type Sample = StreamCounts & { readonly atMs: number };

/**
 * On a long path each lost packet makes its picture, and those behind it, late by a whole round trip; a picture of a dozen packets meets that
 * often: with 1 % lost, every eighth does. Sent twice, it meets it once in a thousand times, for half of the bytes. Browsers take a packet
 * that they have already for none (SRTP's replay list, RFC 3711 §3.3.2); other forward error correction the SFU does not pass on.
 *
 * Where the losses come of too much being sent, that is what ends, and nothing is doubled.
 */
export function createDoubling(): Doubling {
  let samples: Sample[] = [];
  let isOn = false;
  let seenLossyMs = -Infinity;
  let offSinceMs = -Infinity;
  let patienceMs: number = patience.leastMs;

  const isLossy = (): boolean => {
    const [first, last] = [samples[0], samples.at(-1)];
    if (!first || !last) return false;
    const nacked = last.nackedPackets - first.nackedPackets;
    return nacked >= lossy.fewest && nacked >= lossy.share * (last.packets - first.packets);
  };
  const begin = (nowMs: number): void => {
    const isSoon = nowMs - offSinceMs < patience.isSoonMs;
    patienceMs = isSoon ? Math.min(patience.mostMs, 2 * patienceMs) : patience.leastMs;
    isOn = true;
  };
  const end = (nowMs: number): void => {
    [isOn, offSinceMs] = [false, nowMs];
    samples = [];
  };

  const keep = (counts: StreamCounts | undefined, nowMs: number): void => {
    const isAnother = !counts || counts.packets < (samples.at(-1)?.packets ?? 0);
    samples = isAnother ? [] : samples.filter(({ atMs }) => atMs >= nowMs - windowMs);
    if (counts) samples.push({ ...counts, atMs: nowMs });
  };
  const isWanted = ({ nowMs, fullAtMs = -Infinity }: PathState, roundTripMs: number): boolean =>
    roundTripMs >= far.fromMs && nowMs - fullAtMs > windowMs / 2 && seenLossyMs === nowMs;
  const isOver = ({ nowMs }: PathState, roundTripMs: number): boolean =>
    roundTripMs < far.untilMs || nowMs - seenLossyMs > patienceMs;

  return {
    get lostShare() {
      const [former, last] = samples.slice(-2);
      if (!former || !last || last.packets === former.packets) return 0;
      return (last.nackedPackets - former.nackedPackets) / (last.packets - former.packets);
    },
    take(path) {
      const { counts, nowMs } = path;
      keep(counts, nowMs);
      if (isLossy()) seenLossyMs = nowMs;
      const roundTripMs = counts?.roundTripMs ?? 0;
      if (!isOn && isWanted(path, roundTripMs)) begin(nowMs);
      else if (isOn && isOver(path, roundTripMs)) end(nowMs);
      return isOn;
    },
  };
}
