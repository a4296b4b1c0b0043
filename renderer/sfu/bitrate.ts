/** Smaller changes are not worth a new setting of the encoder. */
const leastChange = 0.05;

/** The next bit rate of a layer: what is wanted, or the present rate when nothing worth a change happened. */
export function planBitrate(presentKbps: number, wantedKbps: number): number {
  const wanted = Math.round(wantedKbps);
  return Math.abs(wanted - presentKbps) / presentKbps >= leastChange ? wanted : presentKbps;
}
