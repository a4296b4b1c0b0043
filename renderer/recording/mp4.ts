import { AV_CODEC_ID_H264, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import {
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  FormatContext,
  Frame,
  Packet,
  Rational,
} from 'node-av/lib';
import { type JournalEntry, readJournal } from './journal.ts';

const clockRate = 90_000;
/** Of a last picture of which it is not known how long it was seen. */
const leastTicks = clockRate / 60;

export type Film = { readonly pictures: number; readonly durationMs: number };

/**
 * Puts the pictures of a journal into an MP4 file as they are, each at the time at which it was shown and as long. Parameter sets stay in
 * the pictures too, for the size may change: players take them from there.
 * @returns undefined when there is not one picture.
 */
export async function makeFilm(journal: string, file: string): Promise<Film | undefined> {
  let writer: FilmWriter | undefined;
  let held: JournalEntry | undefined;
  let first = 0;
  let end = 0;
  let pictures = 0;
  for await (const entry of readJournal(journal)) {
    end = Math.max(end, entry.ticks);
    if (entry.bytes.byteLength === 0) continue;
    if (!writer) first = entry.ticks;
    writer ??= await FilmWriter.create(file, entry.bytes);
    if (held) await writer.write(held, { at: held.ticks - first, until: entry.ticks - first });
    held = entry;
    pictures += 1;
  }
  if (!writer || !held) return undefined;
  const until = Math.max(end, held.ticks + leastTicks) - first;
  await writer.write(held, { at: held.ticks - first, until });
  await writer.finish();
  return { pictures, durationMs: Math.round((until * 1_000) / clockRate) };
}

class FilmWriter {
  readonly #context: FormatContext;
  readonly #packet = new Packet();

  static async create(file: string, firstPicture: Uint8Array): Promise<FilmWriter> {
    const context = new FormatContext();
    checked(context.allocOutputContext2(null, 'mp4', file), 'begin a film');
    const stream = context.newStream();
    const { codecpar } = stream;
    codecpar.codecType = AVMEDIA_TYPE_VIDEO;
    codecpar.codecId = AV_CODEC_ID_H264;
    codecpar.extradata = Buffer.from(parameterSetsOf(firstPicture));
    Object.assign(codecpar, await sizeOf(firstPicture));
    stream.timeBase = new Rational(1, clockRate);
    checked(await context.openOutput(), 'open the film');
    // The index stands in front: a browser begins to play before all has come.
    const options = Dictionary.fromObject({ movflags: '+faststart', video_track_timescale: `${clockRate}` });
    checked(await context.writeHeader(options), 'begin the film');
    return new FilmWriter(context);
  }

  private constructor(context: FormatContext) {
    this.#context = context;
    this.#packet.alloc();
  }

  async write({ bytes, isKeyframe }: JournalEntry, shown: { at: number; until: number }): Promise<void> {
    const packet = this.#packet;
    packet.data = Buffer.from(bytes);
    packet.streamIndex = 0;
    packet.pts = BigInt(shown.at);
    packet.dts = packet.pts;
    packet.duration = BigInt(shown.until - shown.at);
    packet.isKeyframe = isKeyframe;
    checked(await this.#context.writeFrame(packet), 'write a picture');
    packet.unref();
  }

  async finish(): Promise<void> {
    checked(await this.#context.writeTrailer(), 'end the film');
    await this.#context.closeOutput();
    this.#packet.free();
  }
}

const startCodeBytes = 3;
const typeBits = 0x1f;
const parameterSets = [7, 8];

/** SPS and PPS stand before the slices of a keyframe. */
function parameterSetsOf(picture: Uint8Array): Uint8Array {
  for (let at = 0; at + startCodeBytes < picture.length; at += 1) {
    const isStart = picture[at] === 0 && picture[at + 1] === 0 && picture[at + 2] === 1;
    if (isStart && !parameterSets.includes((picture[at + startCodeBytes] ?? 0) & typeBits))
      return picture.subarray(0, at);
  }
  return picture;
}

/** As a player finds it. */
async function sizeOf(picture: Uint8Array): Promise<{ width: number; height: number }> {
  const codec = Codec.findDecoder(AV_CODEC_ID_H264);
  if (!codec) throw new Error('H.264 cannot be decoded here');
  using undo = new DisposableStack();
  const decoder = undo.adopt(new CodecContext(), (each) => each.freeContext());
  const packet = undo.adopt(new Packet(), (each) => each.free());
  const frame = undo.adopt(new Frame(), (each) => each.free());
  decoder.allocContext3(codec);
  decoder.threadCount = 1;
  checked(await decoder.open2(codec, null), 'open the decoder');
  packet.alloc();
  frame.alloc();
  packet.data = Buffer.from(picture);
  checked(await decoder.sendPacket(packet), 'decode the first picture');
  checked(await decoder.receiveFrame(frame), 'see the first picture');
  return { width: frame.width, height: frame.height };
}

function checked(answer: number, doing: string): void {
  if (answer < 0) throw new Error(`Cannot ${doing}: ${new FFmpegError(answer).message}`);
}
