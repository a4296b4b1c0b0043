/** How a picture was encoded, and what that took. */
type Encoded = { readonly isIntra: boolean; readonly encodeMs: number; readonly bytes: number };

export type PictureKinds = {
  /** @param changedShare of the pixels, 0…1. @returns whether the next picture is better encoded by itself than from the one before. */
  isIntraBetter(changedShare: number): boolean;
  note(encoded: Encoded, changedShare: number): void;
};

/** Where less changes, what stays as it is costs nothing only in a picture from the one before. */
const leastShare = 0.5;
/** Of what it takes the other way. */
const mostBytes = 1.6;
const weightOfLatest = 0.2;
/** So many pictures later the other way is looked at again. */
const pictureOfTheOther = 90;

type Cost = { readonly encodeMs: number; readonly bytes: number };

/**
 * Neighbouring slices have the same anatomy, but not the same noise: to look for each block in the slice before takes most of the encoder's time and
 * finds nothing. Encoded by itself such a picture takes half of the time and about as many bytes (CT of 512² on 1920×1080, x264 ultrafast: 9 ms of a
 * processor instead of 15, 155 kB instead of 153). Whether this series is one of that kind is seen by trying, now and again.
 */
export function createPictureKinds(): PictureKinds {
  const costs = new Map<boolean, Cost>();
  let sinceOther = 0;
  const isIntraCheaper = (): boolean => {
    const [intra, inter] = [costs.get(true), costs.get(false)];
    if (!inter) return false;
    return !intra || (intra.encodeMs < inter.encodeMs && intra.bytes < mostBytes * inter.bytes);
  };
  return {
    isIntraBetter(changedShare) {
      if (changedShare < leastShare) return false;
      const isBetter = isIntraCheaper();
      return sinceOther >= pictureOfTheOther ? !isBetter : isBetter;
    },
    note({ isIntra, encodeMs, bytes }, changedShare) {
      if (changedShare < leastShare) return;
      sinceOther = isIntra === isIntraCheaper() ? sinceOther + 1 : 0;
      const known = costs.get(isIntra);
      const blend = (before: number, latest: number): number => before + (latest - before) * weightOfLatest;
      costs.set(isIntra, {
        encodeMs: known ? blend(known.encodeMs, encodeMs) : encodeMs,
        bytes: known ? blend(known.bytes, bytes) : bytes,
      });
    },
  };
}
