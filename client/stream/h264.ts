/** What the sequence parameter set of a stream says of it. */
export type H264Stream = {
  readonly widthPx: number;
  readonly heightPx: number;
  /** RFC 6381, as browsers want it. */
  readonly codec: string;
};

/** Baseline, Main, Extended. */
const plainProfiles: readonly number[] = [66, 77, 88];
export const nalTypes = { slice: 1, keyframeSlice: 5, sequence: 7, picture: 8 } as const;

/** The NAL units of an Annex B byte stream. */
export function splitAnnexB(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const units: Uint8Array<ArrayBuffer>[] = [];
  let begin = -1;
  const end = (at: number): void => {
    if (begin < 0) return;
    // A NAL unit ends in a stop bit, so trailing zeros belong to the next start code (H.264 §B.1).
    let last = at;
    while (last > begin && bytes[last - 1] === 0) last -= 1;
    if (last > begin) units.push(bytes.subarray(begin, last));
  };
  for (let at = 0; at + 3 <= bytes.length; at += 1) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1) continue;
    end(at);
    begin = at + 3;
    at += 2;
  }
  end(bytes.length);
  return units;
}

export function nalTypeOf(unit: Uint8Array): number {
  return (unit[0] ?? 0) & 0x1f;
}

/** Reads a sequence parameter set (H.264 §7.3.2.1.1) of the profiles without chroma formats of their own, as ours is; undefined: another. */
export function readSequence(unit: Uint8Array): H264Stream | undefined {
  const codecBytes = [...unit.subarray(1, 4)];
  const [profile] = codecBytes;
  if (codecBytes.length < 3 || profile === undefined || !plainProfiles.includes(profile)) return undefined;
  const bits = bitReader(withoutEmulation(unit.subarray(4)));
  bits.unsigned(); // seq_parameter_set_id
  bits.unsigned(); // log2_max_frame_num_minus4
  skipOrderCount(bits);
  bits.unsigned(); // max_num_ref_frames
  bits.bit(); // gaps_in_frame_num_value_allowed_flag
  const codec = `avc1.${codecBytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  return { ...readSize(bits), codec };
}

function readSize(bits: BitReader): Pick<H264Stream, 'widthPx' | 'heightPx'> {
  const widthPx = 16 * (bits.unsigned() + 1);
  const mapUnits = bits.unsigned() + 1;
  const isProgressive = bits.bit() === 1;
  if (!isProgressive) bits.bit(); // mb_adaptive_frame_field_flag
  bits.bit(); // direct_8x8_inference_flag
  const heightPx = 16 * mapUnits * (isProgressive ? 1 : 2);
  const isCropped = bits.bit() === 1;
  if (!isCropped) return { widthPx, heightPx };
  // Of 4:2:0, in pairs of px.
  const [left, right, top, bottom] = [bits.unsigned(), bits.unsigned(), bits.unsigned(), bits.unsigned()];
  return { widthPx: widthPx - 2 * (left + right), heightPx: heightPx - 2 * (top + bottom) };
}

type BitReader = { bit(): number; unsigned(): number };

function skipOrderCount(bits: BitReader): void {
  const kind = bits.unsigned();
  if (kind === 0) bits.unsigned(); // log2_max_pic_order_cnt_lsb_minus4
  if (kind !== 1) return;
  bits.bit(); // delta_pic_order_always_zero_flag
  bits.unsigned(); // offset_for_non_ref_pic: as long as a signed one
  bits.unsigned(); // offset_for_top_to_bottom_field
  // H.264 §7.4.2.1.1: not more than 255, whatever is told.
  for (let left = Math.min(255, bits.unsigned()); left > 0; left -= 1) bits.unsigned();
}

/** Beyond the end there are zeros. */
function bitReader(bytes: Uint8Array): BitReader {
  let at = 0;
  const bit = (): number => {
    const value = ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
    at += 1;
    return value;
  };
  return {
    bit,
    /** Exp-Golomb (H.264 §9.1). */
    unsigned() {
      let zeros = 0;
      while (zeros < 32 && bit() === 0) zeros += 1;
      let value = 0;
      for (let left = zeros; left > 0; left -= 1) value = value * 2 + bit();
      return 2 ** zeros - 1 + value;
    },
  };
}

/** H.264 §7.4.1: the 3 of 0 0 3 is there so that no start code is. */
function withoutEmulation(bytes: Uint8Array): Uint8Array {
  return bytes.filter((byte, at) => !(byte === 3 && at >= 2 && bytes[at - 1] === 0 && bytes[at - 2] === 0));
}
