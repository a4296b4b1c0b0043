import { AV_CODEC_ID_H264 } from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet } from 'node-av/lib';

/** Decodes access units as a browser would, for tests to look at the pixels. */
export class H264Decoder {
  readonly #context = new CodecContext();

  static async open(): Promise<H264Decoder> {
    const decoder = new H264Decoder();
    const codec = Codec.findDecoder(AV_CODEC_ID_H264);
    if (!codec) throw new Error('no H.264 decoder');
    decoder.#context.allocContext3(codec);
    decoder.#context.threadCount = 1;
    await decoder.#context.open2(codec, null);
    return decoder;
  }

  /** The luma plane, or undefined when the decoder has no picture yet. */
  decode(
    accessUnit: Uint8Array,
  ): { width: number; height: number; luma: (x: number, y: number) => number } | undefined {
    const packet = new Packet();
    packet.alloc();
    packet.data = Buffer.from(accessUnit);
    this.#context.sendPacketSync(packet);
    const frame = new Frame();
    frame.alloc();
    if (this.#context.receiveFrameSync(frame) < 0) return undefined;
    const { width, height } = frame;
    const plane = Buffer.from(frame.data?.[0] ?? []);
    const stride = frame.linesize[0] ?? width;
    return { width, height, luma: (x, y) => plane[y * stride + x] ?? -1 };
  }
}
