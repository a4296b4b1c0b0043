import { expect, type Page } from '@playwright/test';
import { z } from 'zod';
import { ctFolder } from '../support/fixtures.ts';
import { grabPicture, similarity } from '../support/picture.ts';
import { readReferenceSlice } from '../support/reference.ts';
import { referencePicture, wholePicture } from '../support/reference-check.ts';
import { startScene } from './scene.ts';
import { median, printResult, progress, quantile } from './report.ts';

/**
 * Input → photon: from the timestamp of a real wheel event in the viewer page until the first
 * decoded frame is handed to the compositor in which the middle of the picture has changed. The remote display is 1280×720; every press waits until
 * the picture has been still for 400 ms, so that a change can only come from the input. The page, the workstation, the
 * encoder and the decoder share this machine's cores.
 */
const presses = Number(process.argv[2] ?? 60);

await using scene = await startScene();
const { person } = scene;
await person.openFirstStudy();
await fitDisplay(person.page, 1280, 720);
const view = await person.viewThat('the first slice', ({ ready }) => ready);
const region = wholePicture(view);
const middle = { x: region.x + region.width / 2, y: region.y + region.height / 2 };
const point = await person.pointOf(middle.x, middle.y);
await person.page.mouse.move(point.x, point.y);

await person.page.evaluate(installMeter, {
  x: Math.round(middle.x / 2) * 2 - 48,
  y: Math.round(middle.y / 2) * 2 - 48,
});
const samples: number[] = [];
let lost = 0;
for (let press = 0; press < presses; press += 1) {
  await person.page.evaluate('medusaMeter.still()');
  await person.page.mouse.wheel(0, press % 50 < 25 ? 100 : -100);
  const latencyMs = z
    .number()
    .nullable()
    .parse(await person.page.evaluate('medusaMeter.next()'));
  if (latencyMs === null) lost += 1;
  else samples.push(latencyMs);
  if ((press + 1) % 10 === 0)
    progress(`latency ${press + 1}/${presses}: median ${median(samples).toFixed(1)} ms, lost ${lost}`);
}
const own = await person.page.evaluate(() => {
  const { medusaViewer } = globalThis as unknown as {
    medusaViewer?: { latencySamples: readonly { readonly totalMs: number }[] };
  };
  return (medusaViewer?.latencySamples ?? []).map(({ totalMs }) => totalMs);
});
await person.page.evaluate('medusaMeter.still()');
const stillView = await person.viewThat('the last slice', ({ ready }) => ready);
const slice = readReferenceSlice(ctFolder, stillView.viewports[0]?.sopInstanceUID ?? '');
const stillSimilarity = similarity(
  referencePicture(stillView, slice),
  await grabPicture(person.video, wholePicture(stillView)),
);
printResult({
  bench: 'latency',
  medians: {
    input_to_photon_p50_ms: median(samples),
    input_to_photon_p95_ms: quantile(samples, 0.95),
    shown_in_viewer_p50_ms: median(own.slice(-presses)),
    lost,
    still_ssim: stillSimilarity,
  },
  ratios: { shown_to_measured: median(own.slice(-presses)) / median(samples) },
  n: samples.length,
});

/** Resizes the window until the remote display has the wanted size. */
async function fitDisplay(page: Page, widthPx: number, heightPx: number): Promise<void> {
  const size = async (): Promise<{ width: number; height: number }> =>
    person.video.evaluate((video: HTMLVideoElement) => ({
      width: video.videoWidth,
      height: video.videoHeight,
    }));
  const box = await person.video.evaluate((video: HTMLVideoElement) => {
    const { width, height } = (video.parentElement ?? video).getBoundingClientRect();
    return { width, height };
  });
  const window = page.viewportSize() ?? { width: 0, height: 0 };
  await page.setViewportSize({
    width: Math.round(window.width + widthPx - box.width),
    height: Math.round(window.height + heightPx - box.height),
  });
  await expect.poll(size, { timeout: 20_000 }).toEqual({ width: widthPx, height: heightPx });
}

/** Runs in the page. One clock: event timestamps, frame callbacks and display times are all of `performance.now()`. */
function installMeter(corner: { x: number; y: number }): void {
  const video = document.querySelector<HTMLVideoElement>('[data-testid="stream-video"]');
  if (!video) throw new Error('no video');
  const rect = { ...corner, width: 96, height: 96 };
  const size = rect.width * rect.height;
  let last = new Uint8Array(size);
  let changedAt = performance.now();
  let pressed: { readonly at: number; readonly before: Uint8Array } | null = null;
  let measured: number | undefined;

  const meanDifference = (one: Uint8Array, other: Uint8Array): number =>
    one.reduce((sum, value, index) => sum + Math.abs(value - (other[index] ?? 0)), 0) / size;
  const look = async (displayAt: number): Promise<void> => {
    const press = pressed;
    const frame = new VideoFrame(video);
    const bytes = new Uint8Array(frame.allocationSize({ rect }));
    await frame.copyTo(bytes, { rect });
    frame.close();
    // The luma plane comes first in every format that a decoder hands out.
    const luma = bytes.slice(0, size);
    if (meanDifference(luma, last) > 0) changedAt = performance.now();
    last = luma;
    // Refinement of a still picture changes it by fractions of a level; another slice by several.
    if (!press || press !== pressed || displayAt < press.at || meanDifference(luma, press.before) < 1) return;
    measured = displayAt - press.at;
    pressed = null;
  };
  const next: VideoFrameRequestCallback = (_now, metadata) => {
    video.requestVideoFrameCallback(next);
    void look(metadata.presentationTime);
  };
  video.requestVideoFrameCallback(next);
  addEventListener('wheel', (event) => void (pressed = { at: event.timeStamp, before: last }), {
    capture: true,
    passive: true,
  });
  const still = async (): Promise<void> => {
    while (performance.now() - changedAt < 400) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const result = async (): Promise<number | null> => {
    const deadline = performance.now() + 2_000;
    while (measured === undefined && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10));
    const latencyMs = measured ?? null;
    measured = undefined;
    pressed = null;
    return latencyMs;
  };
  Object.assign(globalThis, { medusaMeter: { still, next: result } });
}
