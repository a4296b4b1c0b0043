/** Smaller changes are not worth a new setting of the encoder. */
const leastChange = 0.05;

/** The next bit rate of the picture: what the path that carries least carries, or the present rate when nothing worth a change happened. */
export function planBitrate(presentKbps: number, pathsKbps: readonly number[]): number {
  if (pathsKbps.length === 0) return presentKbps;
  const wanted = Math.round(Math.min(...pathsKbps));
  return Math.abs(wanted - presentKbps) / presentKbps >= leastChange ? wanted : presentKbps;
}
