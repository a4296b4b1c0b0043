import { TypedEmitter } from '@medusa/kernel';
import { Converter } from '../encoder/converter.ts';
import { H264Encoder } from '../encoder/h264-encoder.ts';
import type { DisplaySize } from '../display/index.ts';
import type { Recordable, RecordedPicture } from '../recording/index.ts';

const clockRateKHz = 90;

/** A session's picture for recordings: truly encoded, and shown when the test says so. */
export class RecordableScreen implements Recordable, Disposable {
  readonly events = new TypedEmitter<{ picture: [picture: RecordedPicture] }>((error) => {
    throw error as Error;
  });
  /** Near the end of its 32 bits, so that it begins anew in the middle. */
  #timestamp = 2 ** 32 - 2_000;
  #ticks = 1n;
  #opened: { converter: Converter; encoder: H264Encoder } | undefined;
  #isKeyframeWanted = true;

  watchPictures(listener: (picture: RecordedPicture) => void): Disposable {
    return this.events.on('picture', listener);
  }

  requestKeyframe(): void {
    this.#isKeyframeWanted = true;
  }

  async resize(size: DisplaySize): Promise<void> {
    this[Symbol.dispose]();
    const rates = { framesPerSecond: 60, kbps: 4_000, crf: 20, threads: 1 };
    this.#opened = { converter: new Converter(size), encoder: await H264Encoder.open({ ...size, ...rates }) };
    this.#isKeyframeWanted = true;
  }

  /** @param sinceMs after the picture before. */
  async show(sinceMs: number): Promise<void> {
    if (!this.#opened) throw new Error('it has no size yet');
    const { converter, encoder } = this.#opened;
    this.#timestamp = (this.#timestamp + sinceMs * clockRateKHz) % 2 ** 32;
    this.#ticks += BigInt(sinceMs * clockRateKHz);
    const isKeyframe = this.#isKeyframeWanted;
    this.#isKeyframeWanted = false;
    const picture = await encoder.encode(converter.frame, { ticks: this.#ticks, isKeyframe });
    this.events.emit('picture', { ...picture, rtpTimestamp: this.#timestamp });
  }

  [Symbol.dispose](): void {
    this.#opened?.converter[Symbol.dispose]();
    this.#opened?.encoder[Symbol.dispose]();
    this.#opened = undefined;
  }
}
