import type { PictureLayer } from '@medusa/protocol';
import type { Negotiated } from './negotiate.ts';
import type { TransportKind } from './transport-kind.ts';

type Options = {
  readonly present: () => Negotiated | undefined;
  /** The video is another one now. */
  readonly changed: (negotiated: Negotiated) => void;
  readonly failed: (error: unknown) => void;
};

/** Puts another video in the place of the present one, on the transports that there are. One at a time. */
export class VideoChanger {
  readonly #options: Options;
  #isChanging = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Which the render node gives this viewer now; it says so again and again until it is done. Frames of a data channel change by themselves. */
  async follow(layer: PictureLayer): Promise<void> {
    const { kind, layer: present } = this.#options.present()?.video ?? {};
    if (kind === 'media' && present !== layer) await this.change(kind);
  }

  async change(kind: TransportKind): Promise<void> {
    const negotiated = this.#options.present();
    if (!negotiated || this.#isChanging) return;
    this.#isChanging = true;
    const former = negotiated.video;
    try {
      await negotiated.openAnew(kind);
      if (negotiated === this.#options.present()) this.#options.changed(negotiated);
    } catch (error) {
      if (negotiated === this.#options.present()) this.#options.failed(error);
    } finally {
      this.#isChanging = false;
      if (negotiated.video !== former) former.close();
    }
  }
}
