export const bitrateLimits = { leastKbps: 1_500, mostKbps: 10_000 } as const;

/** Part of the estimated bandwidth that the picture may use: the rest is for resends and data channels. */
const share = 0.85;
/** Smaller changes are not worth a new setting of the encoder. */
const leastChange = 0.1;
/** How much of a better estimate is believed each time; worse ones are believed at once. */
const riseWeight = 0.3;

/**
 * The next bit rate of the picture: what the viewer with the least bandwidth can take, falling at once and rising slowly,
 * within limits. Answers the present rate when nothing worth a change happened.
 */
export function planBitrate(presentKbps: number, estimatesKbps: readonly number[]): number {
  const { leastKbps, mostKbps } = bitrateLimits;
  if (estimatesKbps.length === 0) return presentKbps;
  const room = Math.min(...estimatesKbps) * share;
  const smoothed = room < presentKbps ? room : presentKbps + (room - presentKbps) * riseWeight;
  const wanted = Math.round(Math.min(mostKbps, Math.max(leastKbps, smoothed)));
  const isAtLimit = (wanted === mostKbps || wanted === leastKbps) && wanted !== presentKbps;
  return isAtLimit || Math.abs(wanted - presentKbps) / presentKbps >= leastChange ? wanted : presentKbps;
}
