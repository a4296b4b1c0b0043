import type { KeyImageNote, PixelRecord, ViewState } from '@medusa/protocol';
import type { Picture } from '../../stream/picture.ts';

type Measurement = ViewState['measurements'][number];

/** What is to be kept of the active image as it is seen now; undefined while there is none. */
export function noteOf(
  view: ViewState,
  pixels: PixelRecord,
  measurement?: Measurement,
): KeyImageNote | undefined {
  const active = view.viewports.find(({ id }) => id === view.activeViewportId) ?? view.viewports[0];
  if (!active) return undefined;
  const { seriesInstanceUID, sopInstanceUID, kind, frame, sliceIndex, sliceCount } = active;
  const { windowCenter, windowWidth, zoom, invert, slide } = active;
  return {
    kind: measurement ? 'measurement' : 'key-image',
    image: {
      ...{ layout: view.layout, kind, seriesInstanceUID, sopInstanceUID, frame, sliceIndex, sliceCount },
      ...{ windowCenter, windowWidth, zoom, invert, ...(slide && { slide }) },
    },
    pixels,
    measurement: measurement ? { id: measurement.id, lengthMm: measurement.lengthMm } : null,
  };
}

/** Of a streamed picture in this moment. */
export function pixelsOf({ still, display: { screen, grays } }: Picture): PixelRecord {
  return {
    state: still.state.get(),
    sha256: still.provenHash ?? null,
    encoder: screen.encoder.get(),
    grayLevels: grays.get()?.levels ?? null,
  };
}

/** Drawn by this browser itself. */
export const localPixels: PixelRecord = { state: 'local', sha256: null, encoder: null, grayLevels: null };
