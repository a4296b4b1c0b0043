import { expect, type Locator } from '@playwright/test';
import type { ViewState } from '@medusa/protocol';
import { grabElement, grabPicture, similarity } from './picture.ts';
import { renderReference, type GrayPicture, type ReferenceSlice } from './reference.ts';

type Rectangle = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** The structural similarity that a streamed slice must reach against a rendering that Medusa had no hand in. */
const wantedSimilarity = 0.95;

/** The part of the display that shows the image of the only viewport, without its rim, where texts may lie. */
export function wholePicture(view: ViewState): Rectangle {
  const viewport = view.viewports[0];
  if (!viewport?.imageRectangle) throw new Error('The view shows no image');
  const { rectangle: frame, imageRectangle: image } = viewport;
  const left = Math.max(frame.x, image.x);
  const top = Math.max(frame.y, image.y);
  const width = Math.min(frame.x + frame.width, image.x + image.width) - left;
  const height = Math.min(frame.y + frame.height, image.y + image.height) - top;
  const rim = 0.05;
  return {
    x: Math.ceil(left + width * rim),
    y: Math.ceil(top + height * rim),
    width: Math.floor(width * (1 - 2 * rim)),
    height: Math.floor(height * (1 - 2 * rim)),
  };
}

/** The slice as it must look in `wholePicture`. */
export function referencePicture(view: ViewState, slice: ReferenceSlice): GrayPicture {
  const viewport = view.viewports[0];
  if (!viewport?.imageRectangle) throw new Error('The view shows no image');
  return renderReference(slice, wholePicture(view), { ...viewport, imageRectangle: viewport.imageRectangle });
}

/** Passes once what `element` shows is the slice, drawn as the view says. */
export async function expectReferencePicture(
  element: Locator,
  view: ViewState,
  slice: ReferenceSlice,
): Promise<void> {
  const region = wholePicture(view);
  const reference = referencePicture(view, slice);
  await expect
    .poll(async () => similarity(reference, await grab(element, region)), { timeout: 15_000 })
    .toBeGreaterThanOrEqual(wantedSimilarity);
}

async function grab(element: Locator, region: Rectangle): ReturnType<typeof grabPicture> {
  const isVideo = await element.evaluate((found) => found instanceof HTMLVideoElement);
  return isVideo ? grabPicture(element, region) : grabElement(element, region);
}
