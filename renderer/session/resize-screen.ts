import { setTimeout as sleep } from 'node:timers/promises';
import type { DisplayEvent, ViewState } from '@medusa/protocol';
import type { Gate } from '../application/index.ts';
import { type DisplaySize, fitSize, type VirtualDisplay } from '../display/index.ts';
import type { Encoder } from '../encoder/index.ts';

export type WantedScreen = DisplaySize & {
  readonly scalePercent: number;
  /** Where the second of two screens side by side begins; undefined: it is one. */
  readonly seamPx?: number | undefined;
};

type Screen = {
  readonly display: VirtualDisplay;
  readonly encoder: Pick<Encoder, 'resize'>;
  /** Of an application that can draw its interface larger, and says when it fills the screen; null: it does neither. */
  readonly gate: Pick<Gate, 'events' | 'scaleInterface' | 'splitPage'> | null;
  readonly announce: (event: DisplayEvent) => void;
};

/** How long the application may take to fill the screen's new size until the picture goes on without it. */
const mostFollowMs = 700;
/** Programs that say nothing of themselves are given this long. */
const silentFollowMs = 150;
/** The page tells its view before its browser has put the picture on the display; a busy machine was seen to take more than 50 ms. */
const paintMs = 250;
const leastPercent = 100;
const mostPercent = 400;

/**
 * Changes the screen so that nobody sees it half done. Where both sizes overlap is always there to grab, so the encoder shrinks
 * before the display, and it grows when the application fills the new size: what X shows of it before is black.
 */
export async function resizeScreen(screen: Screen, wanted: WantedScreen): Promise<void> {
  const { display, encoder, gate, announce } = screen;
  const { size, scalePercent } = fitScreen(wanted, gate !== null);
  gate?.scaleInterface(scalePercent);
  const seamPx = seamOf(wanted, size);
  const former = display.size;
  const isOther = former.widthPx !== size.widthPx || former.heightPx !== size.heightPx;
  if (isOther) {
    announce({ kind: 'resizing', ...size });
    encoder.resize({
      widthPx: Math.min(former.widthPx, size.widthPx),
      heightPx: Math.min(former.heightPx, size.heightPx),
    });
  }
  gate?.splitPage(seamPx ?? 0);
  if (isOther) {
    const following = untilFilled(gate, size);
    await display.resize(size);
    await following;
    encoder.resize(size);
  }
  announce({ kind: 'size', ...size, scalePercent, ...(seamPx !== undefined && { seamPx }) });
}

/** An interface that does not grow would be too small to read in px of the device: it gets those of the page. */
function fitScreen(wanted: WantedScreen, canScale: boolean): { size: DisplaySize; scalePercent: number } {
  const percent = Math.min(mostPercent, Math.max(leastPercent, wanted.scalePercent));
  if (canScale) return { size: fitSize(wanted), scalePercent: percent };
  const inPage = (px: number): number => (px * 100) / percent;
  const size = fitSize({ widthPx: inPage(wanted.widthPx), heightPx: inPage(wanted.heightPx) });
  return { size, scalePercent: 100 };
}

/** The largest display, and one in px of the page, are not as wide as was asked for: the seam stays where it is in proportion. */
function seamOf({ seamPx, widthPx }: WantedScreen, size: DisplaySize): number | undefined {
  if (seamPx === undefined || seamPx <= 0 || seamPx >= widthPx) return undefined;
  return Math.round((seamPx * size.widthPx) / widthPx / 2) * 2;
}

async function untilFilled(gate: Screen['gate'], size: DisplaySize): Promise<void> {
  if (!gate) {
    await sleep(silentFollowMs);
    return;
  }
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const listening = gate.events.on('view', (view) => {
    if (fills(view, size)) resolve(undefined);
  });
  const timer = setTimeout(() => resolve(undefined), mostFollowMs);
  await promise;
  clearTimeout(timer);
  listening[Symbol.dispose]();
  await sleep(paintMs);
}

function fills({ resumption }: ViewState, { widthPx, heightPx }: DisplaySize): boolean {
  return resumption?.page.widthPx === widthPx && resumption.page.heightPx === heightPx;
}
