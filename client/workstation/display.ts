import type { Viewpoint, ViewportState } from '@medusa/protocol';
import type { VoiWindow } from './presets.ts';
import type { SeriesEntry, SeriesImage } from './series.ts';

/** The tools a left drag may be. The names are Cornerstone's. */
const toolNames = ['WindowLevel', 'Zoom', 'Pan', 'StackScroll', 'Length', 'Crosshairs'] as const;
export type ToolName = (typeof toolNames)[number];

export function toToolName(name: string): ToolName | undefined {
  return toolNames.find((known) => known === name);
}

/** A series whose images Cornerstone can ask for: `imageIds[i]` is `images[i]`. */
export interface LoadedSeries {
  readonly entry: SeriesEntry;
  readonly images: readonly SeriesImage[];
  readonly imageIds: readonly string[];
}

/** What a display of the same series showed before, to be shown again before anything is told of it. */
export interface Resumed {
  readonly viewpoints: readonly Viewpoint[];
  readonly activeViewportId: string;
  readonly isMaximised: boolean;
  readonly isInverted: boolean;
}

/** One way of laying a series out on the screen, from the moment it is chosen until another one replaces it. */
export interface Display {
  readonly layout: 'stack' | 'mpr';
  /** What each visible viewport shows now; null until every one shows a picture. */
  states(): readonly ViewportState[] | null;
  readonly activeViewportId: string;
  /** From where each viewport looks, also one that is covered. */
  viewpoints(): readonly Viewpoint[];
  /** One viewport covers the others. */
  readonly isMaximised: boolean;
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
