import type { ViewState } from '@medusa/protocol';
import type { Display, LoadedSeries, Resumed } from './display.ts';
import type { VoiWindow } from './presets.ts';

/** By its UID: an archive that has got more since then counts its slices otherwise. */
export function indexOf({ images }: LoadedSeries, { layout, viewports, resumption }: ViewState): number {
  const [shown] = viewports;
  const index = images.findIndex(
    ({ sopInstanceUID, frame }) => sopInstanceUID === shown?.sopInstanceUID && frame === shown.frame,
  );
  if (layout === 'stack' && index >= 0) return index;
  const last = Math.max(0, images.length - 1);
  return Math.min(last, resumption?.stackIndex ?? shown?.sliceIndex ?? 0);
}

export function windowOf({ viewports, resumption }: ViewState): VoiWindow | null {
  const [shown] = viewports;
  const isChosen = resumption?.isWindowChosen ?? true;
  return shown && isChosen ? { center: shown.windowCenter, width: shown.windowWidth } : null;
}

/** Viewpoints of another layout than the one that can be shown here are of no use. */
export function resumedOf(view: ViewState, layout: Display['layout']): Resumed {
  const { viewports, activeViewportId, resumption } = view;
  return {
    viewpoints: layout === view.layout ? (resumption?.viewpoints ?? []) : [],
    activeViewportId,
    isMaximised: resumption?.isMaximised ?? false,
    isInverted: viewports.some(({ invert }) => invert),
  };
}
