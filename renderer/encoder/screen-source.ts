import { Codec, CodecContext, Dictionary, FormatContext, Frame, InputFormat, Packet } from 'node-av/lib';
import { checked } from './checked.ts';
import { Converter } from './converter.ts';

/** The top left part of a display as YUV frames, grabbed when asked. */
export class ScreenSource implements AsyncDisposable {
  readonly #input: FormatContext;
  readonly #packet: Packet;
  readonly #decoder: CodecContext;
  readonly #converter: Converter;
  readonly #raw = new Frame();
  #isConverted = false;

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
    this.#raw.alloc();
    this.#converter = new Converter(size);
  }

  /** As the converter tells it. */
  get frame(): Frame {
    return this.#converter.frame;
  }

  /** `frame` holds a picture. */
  get isConverted(): boolean {
    return this.#isConverted;
  }

  /**
   * The latest grab, 4 bytes a pixel: blue, green, red, nothing. The memory is the grabber's, and good until the next grab. To be asked for
   * seldom: to V8 each of these looks like new memory (converter.ts).
   */
  get pixels(): Buffer | undefined {
    return this.#raw.data?.[0];
  }

  /** @returns false when every pixel is as it was at the last grab, which then cost no more than the comparison. */
  async grab(): Promise<boolean> {
    this.#packet.unref();
    this.#raw.unref();
    checked(await this.#input.readFrame(this.#packet), 'grab');
    checked(this.#decoder.sendPacketSync(this.#packet), 'unpack');
    checked(this.#decoder.receiveFrameSync(this.#raw), 'unpack');
    return this.#converter.take(this.#raw);
  }

  /** Of the latest grab's pixels, those that are not as in the one before, about; 0…1. */
  changedShare(): number {
    return this.#converter.changedShare();
  }

  /** Of the latest grab. */
  async convert(): Promise<void> {
    await this.#converter.convert(this.#raw);
    this.#isConverted = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.closeInput();
    this.#decoder.freeContext();
    this.#converter[Symbol.dispose]();
    this.#packet.free();
    this.#raw.free();
  }
}
