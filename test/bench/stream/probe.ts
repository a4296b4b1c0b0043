import type { Page } from '@playwright/test';
import { z } from 'zod';
import { counter, marker, probed } from './program/layout.ts';

const observationSchema = z.object({
  /** Timestamps of key events, and when pictures with a changed marker were handed to the compositor: one clock, ms. */
  inputs: z.array(z.number()),
  flips: z.array(z.number()),
  /** Pictures whose number could be read and was not that of the picture before. */
  distinct: z.int(),
  count: z.int().nullable(),
  changedAtMs: z.number(),
  /** Between one picture and the next. */
  longestMs: z.number(),
  nowMs: z.number(),
  fault: z.string().nullable(),
});
type Observation = z.infer<typeof observationSchema>;

/** What is read of a viewer's picture, in its page. */
export type Probe = {
  observe(): Promise<Observation>;
  /** Inputs, flips and the longest time so far are not told any more. */
  forget(): Promise<void>;
  /** The next picture as it is shown, as gray, with the number that is in it; null when the number cannot be read. */
  grab(): Promise<{ count: number; width: number; height: number; pixels: Uint8Array } | null>;
};

/**
 * `pictureSelector` is of the picture's element, a video or a canvas; of several, the largest. What lies over it when it is visible is what
 * the quality is judged by.
 */
export async function installProbe(
  page: Page,
  selectors: { readonly pictureSelector: string; readonly coverSelector: string | null },
): Promise<Probe> {
  const { pictureSelector: find, coverSelector: cover } = selectors;
  await page.evaluate(watchPicture, { find, cover, probed, marker, counter });
  return {
    observe: async () => observationSchema.parse(await page.evaluate('benchProbe.observe()')),
    async forget() {
      await page.evaluate('benchProbe.forget()');
    },
    async grab() {
      const grabbed = z
        .object({ count: z.int(), width: z.int(), height: z.int(), base64: z.string() })
        .nullable()
        .parse(await page.evaluate('benchProbe.grab()'));
      if (!grabbed) return null;
      const { base64, ...rest } = grabbed;
      return { ...rest, pixels: Uint8Array.from(Buffer.from(base64, 'base64')) };
    },
  };
}

/**
 * Runs in the page. A video is looked at when a frame is handed to the compositor, a canvas at each animation frame: what has been drawn
 * until then is handed over with it. Only a few hundred pixels are read, for looking must cost nothing.
 */
function watchPicture({
  find,
  cover,
  probed: rect,
  marker: mark,
  counter: blocks,
}: {
  find: string;
  cover: string | null;
  probed: { x: number; y: number; width: number; height: number };
  marker: { x: number; y: number; width: number; height: number };
  counter: { x: number; y: number; blockPx: number; bits: number };
}): void {
  type Picture = HTMLVideoElement | HTMLCanvasElement;
  const sizeOf = (one: Picture): [number, number] =>
    one instanceof HTMLVideoElement ? [one.videoWidth, one.videoHeight] : [one.width, one.height];
  const element = [...document.querySelectorAll<Picture>(find)].sort(
    (one, other) => sizeOf(other)[0] - sizeOf(one)[0],
  )[0];
  if (!element) throw new Error('There is no picture');

  const inputs: number[] = [];
  const flips: number[] = [];
  let distinct = 0;
  let isMarked: boolean | undefined;
  let count: number | null = null;
  let changedAtMs = performance.now();
  let longestMs = 0;
  let fault: string | null = null;

  const middle = rect.height / 2;
  const markAt = mark.x - rect.x + mark.width / 2;
  const blockAt = (index: number): number => blocks.x - rect.x + (index + 0.5) * blocks.blockPx;
  /** `luma` of a pixel of the rectangle's middle row. */
  const readCount = (luma: (x: number) => number): number | null => {
    const bits = Array.from({ length: blocks.bits + 3 }, (_, index) => luma(blockAt(index)) > 127);
    const [first, last] = [bits[0], bits[blocks.bits + 2]];
    if (first !== true || last !== false) return null;
    const number = bits.slice(1, blocks.bits + 1);
    const ones = bits.slice(1, blocks.bits + 2).filter(Boolean).length;
    return ones % 2 === 0 ? number.reduce((sum, bit) => sum * 2 + Number(bit), 0) : null;
  };
  const take = (luma: (x: number) => number, atMs: number): void => {
    const found = readCount(luma);
    if (found === null) return;
    if (found !== count) {
      count = found;
      distinct += 1;
      const now = performance.now();
      longestMs = Math.max(longestMs, now - changedAtMs);
      changedAtMs = now;
    }
    const marked = luma(markAt) > 127;
    if (isMarked !== undefined && marked !== isMarked) flips.push(atMs);
    isMarked = marked;
  };

  const bytes = new Uint8Array(rect.width * rect.height * 4);
  const lookAtFrame = async (frame: VideoFrame, atMs: number): Promise<void> => {
    try {
      await frame.copyTo(bytes, { rect });
      // Planar formats begin with the luma; of the others green is as good, for only black and white are told apart.
      const isPlanar = /^(I4|NV)/.test(frame.format ?? '');
      const [step, offset] = isPlanar ? [1, 0] : [4, 1];
      take((x) => bytes[(middle * rect.width + x) * step + offset] ?? 0, atMs);
    } catch (error) {
      fault = String(error);
    } finally {
      frame.close();
    }
  };
  const watchVideo = (video: HTMLVideoElement): void => {
    const next: VideoFrameRequestCallback = (_now, { presentationTime }) => {
      video.requestVideoFrameCallback(next);
      void lookAtFrame(new VideoFrame(video), presentationTime);
    };
    video.requestVideoFrameCallback(next);
    void lookAtFrame(new VideoFrame(video), performance.now());
  };
  const small = document.createElement('canvas');
  [small.width, small.height] = [rect.width, 1];
  const context = small.getContext('2d', { willReadFrequently: true, alpha: false });
  const watchCanvas = (canvas: HTMLCanvasElement): void => {
    const next = (): void => {
      requestAnimationFrame(next);
      context?.drawImage(canvas, rect.x, rect.y + middle, rect.width, 1, 0, 0, rect.width, 1);
      const data = context?.getImageData(0, 0, rect.width, 1).data;
      take((x) => data?.[x * 4 + 1] ?? 0, performance.now());
    };
    requestAnimationFrame(next);
  };
  if (element instanceof HTMLVideoElement) watchVideo(element);
  else watchCanvas(element);
  // The space bar steers the scene and changes no marker.
  const noteInput = (event: KeyboardEvent): void => {
    if (event.key !== ' ') inputs.push(event.timeStamp);
  };
  addEventListener('keydown', noteInput, true);

  const topmost = (): Picture => {
    const over = cover === null ? null : document.querySelector<HTMLCanvasElement>(cover);
    return over && getComputedStyle(over).visibility === 'visible' ? over : element;
  };
  const grab = (): unknown => {
    const [width, height] = sizeOf(element);
    const canvas = new OffscreenCanvas(width, height);
    const whole = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
    whole?.drawImage(topmost(), 0, 0);
    const data = whole?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray();
    const row = (rect.y + middle) * width + rect.x;
    const number = readCount((x) => data[(row + x) * 4 + 1] ?? 0);
    if (number === null) return null;
    const parts: string[] = [];
    for (let y = 0; y < height; y += 1) {
      const line = new Uint8Array(width);
      for (let x = 0; x < width; x += 1) {
        const at = (y * width + x) * 4;
        line[x] = Math.round(
          0.2126 * (data[at] ?? 0) + 0.7152 * (data[at + 1] ?? 0) + 0.0722 * (data[at + 2] ?? 0),
        );
      }
      parts.push(String.fromCharCode(...line));
    }
    return { count: number, width, height, base64: btoa(parts.join('')) };
  };
  const observe = (): Observation => ({
    ...{ inputs: [...inputs], flips: [...flips], distinct, count, changedAtMs, longestMs, fault },
    nowMs: performance.now(),
  });
  const forget = (): void => {
    for (const list of [inputs, flips]) list.splice(0);
    longestMs = 0;
  };
  Object.assign(globalThis, { benchProbe: { observe, forget, grab } });
}
