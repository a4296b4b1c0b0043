import type { PictureLayer } from '@medusa/protocol';
import type { Negotiated } from './negotiate.ts';

type Options = {
  readonly present: () => Negotiated | undefined;
  /** The video is another one now. */
  readonly changed: (negotiated: Negotiated) => void;
  readonly failed: (error: unknown) => void;
};

/** Consumes anew when the render node gives this viewer another layer. The node says so again and again until it is done. */
export class LayerFollower {
  readonly #options: Options;
  #isFollowing = false;

  constructor(options: Options) {
    this.#options = options;
  }

  async follow(layer: PictureLayer): Promise<void> {
    const negotiated = this.#options.present();
    if (!negotiated || negotiated.layer === layer || this.#isFollowing) return;
    this.#isFollowing = true;
    const former = negotiated.consumer;
    try {
      await negotiated.consumeAnew();
      if (negotiated === this.#options.present()) this.#options.changed(negotiated);
    } catch (error) {
      if (negotiated === this.#options.present()) this.#options.failed(error);
    } finally {
      this.#isFollowing = false;
      if (negotiated.consumer !== former) former.close();
    }
  }
}
