import { AV_PIX_FMT_YUV420P, AVCOL_RANGE_JPEG, AVCOL_SPC_BT709, AVCOL_SPC_RGB } from 'node-av/constants';
import { Codec, CodecContext, Dictionary, FormatContext, Frame, InputFormat, Packet } from 'node-av/lib';
import { checked } from './checked.ts';
import { openConverter } from './converter.ts';

/** The top left part of a display as YUV frames, grabbed when asked. */
export class ScreenSource implements AsyncDisposable {
  /** The latest picture: 4:2:0, BT.709, full range, so that all 256 grays survive. */
  readonly frame: Frame;
  readonly #input: FormatContext;
  readonly #packet: Packet;
  readonly #decoder: CodecContext;
  readonly #scaler: ReturnType<typeof openConverter>;
  /** `frame` holds a picture. */
  isConverted = false;
  /** The latest grab and the one before it, which the next overwrites. */
  #raw = allocated();
  #former = allocated();

  static async open(screen: {
    displayName: string;
    widthPx: number;
    heightPx: number;
  }): Promise<ScreenSource> {
    const input = new FormatContext();
    // The demuxer sleeps to keep its frame rate; at 1000 that is nothing, and we decide when to grab.
    const options = {
      video_size: `${screen.widthPx}x${screen.heightPx}`,
      framerate: '1000',
      draw_mouse: '0',
    };
    const format = InputFormat.findInputFormat('x11grab');
    const url = `${screen.displayName}+0,0`;
    checked(await input.openInput(url, format, Dictionary.fromObject(options)), 'open x11grab');
    const stream = input.streams[0];
    const codec = stream && Codec.findDecoder(stream.codecpar.codecId);
    if (!codec) throw new Error('x11grab gave no picture');
    const decoder = new CodecContext();
    decoder.allocContext3(codec);
    checked(decoder.parametersToContext(stream.codecpar), 'set the decoder up');
    checked(await decoder.open2(codec, null), 'open the decoder');
    return new ScreenSource(input, decoder, screen);
  }

  private constructor(
    input: FormatContext,
    decoder: CodecContext,
    size: { widthPx: number; heightPx: number },
  ) {
    this.#input = input;
    this.#decoder = decoder;
    this.#packet = new Packet();
    this.#packet.alloc();
    this.#scaler = openConverter();
    this.frame = allocated();
    this.frame.format = AV_PIX_FMT_YUV420P;
    this.frame.width = size.widthPx;
    this.frame.height = size.heightPx;
    this.frame.colorSpace = AVCOL_SPC_BT709;
    this.frame.colorRange = AVCOL_RANGE_JPEG;
    checked(this.frame.allocBuffer(), 'allocate a frame');
  }

  /** The latest grab, 4 bytes a pixel: blue, green, red, nothing. The memory is the grabber's, and good until the next grab. */
  get pixels(): Buffer | undefined {
    return this.#raw.data?.[0];
  }

  /** @returns false when every pixel is as it was at the last grab, which then cost no more than the comparison. */
  async grab(): Promise<boolean> {
    [this.#raw, this.#former] = [this.#former, this.#raw];
    this.#packet.unref();
    this.#raw.unref();
    checked(await this.#input.readFrame(this.#packet), 'grab');
    checked(this.#decoder.sendPacketSync(this.#packet), 'unpack');
    checked(this.#decoder.receiveFrameSync(this.#raw), 'unpack');
    const [pixels, former] = [this.pixels, this.#former.data?.[0]];
    return !pixels || !former?.equals(pixels);
  }

  /** Of the latest grab. */
  async convert(): Promise<void> {
    this.#raw.colorSpace = AVCOL_SPC_RGB;
    this.#raw.colorRange = AVCOL_RANGE_JPEG;
    // The encoder may still hold the last frame's buffer.
    checked(this.frame.makeWritable(), 'reuse the frame');
    checked(await this.#scaler.scaleFrame(this.frame, this.#raw), 'convert');
    this.isConverted = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.closeInput();
    this.#decoder.freeContext();
    this.#scaler.freeContext();
    this.#packet.free();
    this.#raw.free();
    this.#former.free();
    this.frame.free();
  }
}

function allocated(): Frame {
  const frame = new Frame();
  frame.alloc();
  return frame;
}
