import { AV_CODEC_ID_H264, AV_PIX_FMT_BGR0 } from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet } from 'node-av/lib';
import { checked } from './checked.ts';
import { Converter } from './converter.ts';
import { H264Encoder, type H264Options } from './h264-encoder.ts';
import type { GrayRamp } from './messages.ts';

const levels = 256;
/** BT.709 (ITU-R BT.709-6 §3): how red and blue follow from luma and the two chroma. */
const redOfCr = 1.5748;
const blueOfCb = 1.8556;
const [greenOfCb, greenOfCr] = [0.1873, 0.4681];

/**
 * All 256 grays side by side as one picture, through the conversion and the encoder that the stream has, and decoded again: how many are
 * still told apart, and how far the worst of them is off, in any of its colours.
 */
export async function measureGrayRamp(options: H264Options): Promise<GrayRamp> {
  using stack = new DisposableStack();
  const converter = stack.use(new Converter(options));
  await convertRamp(converter, options);
  const encoder = stack.use(await H264Encoder.open(options));
  const { bytes } = await encoder.encode(converter.frame, { ticks: 1n, isKeyframe: true });
  const decoded = stack.use(await decode(bytes));
  const planes = (decoded.data ?? []).map((plane, index) => ({
    plane,
    stride: decoded.linesize[index] ?? 0,
  }));
  const seen = Array.from({ length: levels }, (_, level) => colourAt(planes, middleOf(level, options)));
  const errors = seen.map((colour, level) => Math.max(...colour.map((value) => Math.abs(value - level))));
  return { levels: new Set(seen.map(([, green]) => green)).size, worstError: Math.max(...errors) };
}

function middleOf(level: number, { widthPx, heightPx }: H264Options): { x: number; y: number } {
  return { x: Math.floor(((level + 0.5) * widthPx) / levels), y: heightPx >> 1 };
}

async function convertRamp(converter: Converter, { widthPx, heightPx }: H264Options): Promise<void> {
  using raw = new Frame();
  raw.alloc();
  raw.format = AV_PIX_FMT_BGR0;
  raw.width = widthPx;
  raw.height = heightPx;
  checked(raw.allocBuffer(), 'allocate a frame');
  const row = Buffer.alloc(widthPx * 4);
  for (let x = 0; x < widthPx; x += 1) row.fill(Math.floor((x * levels) / widthPx), x * 4, x * 4 + 3);
  const pixels = raw.data?.[0];
  for (let y = 0; y < heightPx; y += 1) pixels?.set(row, y * (raw.linesize[0] ?? 0));
  converter.take(raw);
  await converter.convert(raw);
}

async function decode(bytes: Uint8Array): Promise<Frame> {
  const codec = Codec.findDecoder(AV_CODEC_ID_H264);
  if (!codec) throw new Error('This FFmpeg decodes no H.264');
  using context = new CodecContext();
  context.allocContext3(codec);
  context.threadCount = 1;
  checked(await context.open2(codec, null), 'open the decoder');
  using packet = new Packet();
  packet.alloc();
  packet.data = Buffer.from(bytes);
  checked(await context.sendPacket(packet), 'decode');
  // A decoder may wait for more before it gives a picture away; there is no more.
  checked(await context.sendPacket(null), 'decode');
  const frame = new Frame();
  frame.alloc();
  checked(await context.receiveFrame(frame), 'take the decoded picture');
  return frame;
}

type Plane = { readonly plane: Uint8Array; readonly stride: number };

function colourAt(
  planes: readonly Plane[],
  { x, y }: { x: number; y: number },
): readonly [number, number, number] {
  const at = (index: number, column: number, line: number): number => {
    const { plane, stride = 0 } = planes[index] ?? {};
    return plane?.[line * stride + column] ?? Number.NaN;
  };
  const luma = at(0, x, y);
  const [cb, cr] = [at(1, x >> 1, y >> 1) - 128, at(2, x >> 1, y >> 1) - 128];
  const level = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));
  return [
    level(luma + redOfCr * cr),
    level(luma - greenOfCb * cb - greenOfCr * cr),
    level(luma + blueOfCb * cb),
  ];
}
