import type { DisplayEvent } from '@medusa/protocol';
import { Store } from '../core/store.ts';
import type { Size } from './display-mapping.ts';

type ScreenEvent = Extract<DisplayEvent, { kind: 'size' | 'resizing' | 'statistics' }>;

/** What the render node tells of the display itself. */
export class RemoteScreen {
  readonly size = new Store<Size | null>(null);
  readonly scalePercent = new Store(100);
  /** Where the second of two screens side by side begins; null: it is one. */
  readonly seam = new Store<number | null>(null);
  /** The size that it is changing to: frames show parts of it. Null when it is whole. */
  readonly resizingTo = new Store<Size | null>(null);
  /** What the encoder may spend, which is what the path carries. */
  readonly targetKbps = new Store<number | null>(null);
  /** What encodes it, as the render node names it; null: not told yet. */
  readonly encoder = new Store<string | null>(null);

  take(event: ScreenEvent): void {
    switch (event.kind) {
      case 'size':
        this.scalePercent.set(event.scalePercent ?? 100);
        this.resizingTo.set(null);
        this.seam.set(event.seamPx ?? null);
        this.#setSize({ width: event.widthPx, height: event.heightPx });
        break;
      case 'resizing':
        this.resizingTo.set({ width: event.widthPx, height: event.heightPx });
        break;
      case 'statistics':
        this.targetKbps.set(event.targetKbps);
        this.encoder.set(event.encoder);
        break;
    }
  }

  /** Newcomers are told the same several times. */
  #setSize(size: Size): void {
    const now = this.size.get();
    if (now?.width !== size.width || now.height !== size.height) this.size.set(size);
  }
}
