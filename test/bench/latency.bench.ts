import { expect, type Page } from '@playwright/test';
import { z } from 'zod';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { startMedusa } from '../support/medusa.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { openPerson } from '../support/viewer-page.ts';
import { wholePicture } from '../support/reference-check.ts';
import { median, printResult, progress, quantile } from './report.ts';

/**
 * Input → photon: from the timestamp of a real wheel event in the viewer page to the expected display time of the first
 * decoded frame in which the middle of the picture has changed. The remote display is 1280×720; every press waits until
 * the picture has been still for 400 ms, so that a change can only come from the input. The page, the workstation, the
 * encoder and the decoder share this machine's cores.
 */
const presses = Number(process.argv[2] ?? 60);

await using medusa = await startMedusa();
await using orthanc = await startOrthanc({ aeTitle: 'MEDUSA', port: medusa.dicomPort });
await orthanc.upload(ctFolder);
await orthanc.push();
await using browser = await launchBrowser(medusa.caFile);
const person = await openPerson(browser, medusa);
await person.logIn('radiologist');
await person.page.getByTestId('worklist-row').first().click();
await person.page.getByTestId('open-button').click();
await person.passDeviceCheck();
await expect(person.video).toBeVisible({ timeout: 60_000 });
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
printResult({
  bench: 'latency',
  medians: {
    input_to_photon_p50_ms: median(samples),
    input_to_photon_p95_ms: quantile(samples, 0.95),
    shown_in_viewer_p50_ms: median(own.slice(-presses)),
    lost,
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
  let last = '';
  let changedAt = performance.now();
  let pressedAt: number | null = null;
  let measured: number | undefined;

  const look = async (displayAt: number): Promise<void> => {
    const frame = new VideoFrame(video);
    const bytes = new Uint8Array(frame.allocationSize({ rect }));
    await frame.copyTo(bytes, { rect });
    frame.close();
    const now = Array.from(bytes.subarray(0, 96 * 96)).join();
    if (now === last) return;
    last = now;
    changedAt = performance.now();
    if (pressedAt === null) return;
    measured = displayAt - pressedAt;
    pressedAt = null;
  };
  const next: VideoFrameRequestCallback = (_now, metadata) => {
    video.requestVideoFrameCallback(next);
    void look(metadata.expectedDisplayTime);
  };
  video.requestVideoFrameCallback(next);
  addEventListener('wheel', (event) => void (pressedAt = event.timeStamp), { capture: true, passive: true });
  const still = async (): Promise<void> => {
    while (performance.now() - changedAt < 400) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const result = async (): Promise<number | null> => {
    const deadline = performance.now() + 2_000;
    while (measured === undefined && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10));
    const latencyMs = measured ?? null;
    measured = undefined;
    pressedAt = null;
    return latencyMs;
  };
  Object.assign(globalThis, { medusaMeter: { still, next: result } });
}
