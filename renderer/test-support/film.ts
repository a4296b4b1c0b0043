import { AV_CODEC_ID_H264 } from 'node-av/constants';
import { Codec, CodecContext, FormatContext, Frame, Packet } from 'node-av/lib';

export type ShownPicture = { readonly atMs: number; readonly lastsMs: number; readonly size: string };

/** Plays a film from its beginning to its end as any player would: all packets, each decoded. */
export async function playFilm(file: string): Promise<{ durationMs: number; pictures: ShownPicture[] }> {
  const input = new FormatContext();
  if ((await input.openInput(file, null, null)) < 0) throw new Error('the film cannot be opened');
  await input.findStreamInfo(null);
  const [stream] = input.streams;
  const codec = Codec.findDecoder(AV_CODEC_ID_H264);
  if (!stream || !codec) throw new Error('there is no H.264 in it');
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  decoder.threadCount = 1;
  stream.codecpar.toContext(decoder);
  await decoder.open2(codec, null);
  const [packet, frame] = [new Packet(), new Frame()];
  packet.alloc();
  frame.alloc();
  const toMs = (ticks: bigint): number =>
    Math.round((Number(ticks) * 1_000 * stream.timeBase.num) / stream.timeBase.den);
  const pictures: ShownPicture[] = [];
  while ((await input.readFrame(packet)) >= 0) {
    decoder.sendPacketSync(packet);
    if (decoder.receiveFrameSync(frame) >= 0) {
      const size = `${frame.width}x${frame.height}`;
      pictures.push({ atMs: toMs(packet.pts), lastsMs: toMs(packet.duration), size });
    }
    packet.unref();
  }
  const durationMs = Number(input.duration / 1_000n);
  await input.closeInput();
  decoder.freeContext();
  return { durationMs, pictures };
}
