import type { ViewportState } from '@medusa/protocol';
import type { VoiWindow } from './presets.ts';
import type { SeriesEntry, SeriesImage } from './series.ts';

/** The tools a left drag may be. The names are Cornerstone's. */
export type ToolName = 'WindowLevel' | 'Zoom' | 'Pan' | 'StackScroll' | 'Length' | 'Crosshairs';

/** A series whose images Cornerstone can ask for: `imageIds[i]` is `images[i]`. */
export interface LoadedSeries {
  readonly entry: SeriesEntry;
  readonly images: readonly SeriesImage[];
  readonly imageIds: readonly string[];
}

/** One way of laying a series out on the screen, from the moment it is chosen until another one replaces it. */
export interface Display {
  readonly layout: 'stack' | 'mpr';
  /** What each visible viewport shows now; null until every one shows a picture. */
  states(): readonly ViewportState[] | null;
  readonly activeViewportId: string;
  setTool(tool: ToolName): void;
  /** Null: what the image itself asks for. */
  setWindow(window: VoiWindow | null): void;
  /** The window the user chose, null as long as the image's own holds. */
  readonly window: VoiWindow | null;
  toggleInvert(): void;
  scroll(slices: number): void;
  reset(): void;
  resize(): void;
  close(): void;
}
