import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { expect, type Page } from '@playwright/test';
import { z } from 'zod';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { startMedusa } from '../support/medusa.ts';
import { openPerson } from '../support/viewer-page.ts';
import { waitFor } from '../support/wait.ts';
import { printResult, progress, quantile } from './report.ts';
import { openViewerNetwork } from './stream/network/viewer-network.ts';
import { seeded } from './stream/random.ts';
import { linkNames } from './stream/relay/links.ts';

/**
 * From the last change of a picture until its lossless still is verified and shown, 1280×720, over an emulated link: the wheel turns to another
 * slice, and the viewer says "verified". Counted from the wheel's event, before which nothing changed, and from the first frame of the
 * new slice that was handed to the compositor, after which nothing did; both by the clock of the viewer's page. The change itself lies
 * between. Viewer, workstation and encoder share this machine's cores.
 */
const { values } = parseArgs({
  options: {
    link: { type: 'string', default: 'lan' },
    presses: { type: 'string', default: '60' },
    /** Notches of the wheel, 40 ms apart, of which the last is counted. */
    notches: { type: 'string', default: '1' },
  },
});
const optionsSchema = z.object({
  link: z.enum(linkNames),
  presses: z.coerce.number().int().positive(),
  notches: z.coerce.number().int().positive(),
});
const { link, presses, notches } = optionsSchema.parse(values);
if (process.getuid?.() !== 0) throw new Error('This benchmark makes network namespaces: it needs root');

const size = { width: 1_280, height: 720 };
const notchIntervalMs = 40;
const random = seeded(1);

await using network = await openViewerNetwork(link, 1);
progress('still: starting an instance');
await using medusa = await startMedusa({ bind: network.serverAddress });
const files = (await readdir(ctFolder)).filter((name) => name.endsWith('.dcm'));
const peer = ['-aet', 'HOSPITAL', '-aec', 'MEDUSA', network.serverAddress, String(medusa.dicomPort)];
await promisify(execFile)('storescu', ['-xt', ...peer, ...files.map((name) => path.join(ctFolder, name))]);
await using browser = await launchBrowser(medusa.caFile, { executable: network.chromium });
const person = await openPerson(browser, medusa);
const { page } = person;
await person.logIn('radiologist');
await person.openFirstStudy();
await fitDisplay(page);
const badge = page.getByTestId('picture-state');
await expect(badge).toHaveAttribute('data-state', 'verified', { timeout: 30_000 });
const middle = await person.pointOf(size.width / 2, size.height / 2);
await page.mouse.move(middle.x, middle.y);
await page.evaluate(installWatch);

const sampleSchema = z.object({ fromWheelMs: z.number(), fromFrameMs: z.number() });
const samples: (z.infer<typeof sampleSchema> & { bytes: number })[] = [];
let lost = 0;
for (let press = 0; press < presses; press += 1) {
  await sleep(300 + random() * 400);
  const before = (await network.bytes()).toViewer;
  await page.evaluate('stillWatch.begin()');
  for (let notch = 0; notch < notches; notch += 1) {
    if (notch > 0) await sleep(notchIntervalMs);
    await page.mouse.wheel(0, press % 50 < 25 ? 100 : -100);
  }
  const sample = await waitFor(
    'a verified still',
    async () => sampleSchema.nullable().parse(await page.evaluate('stillWatch.result()')) ?? undefined,
    5_000,
  ).catch(() => null);
  if (sample) samples.push({ ...sample, bytes: (await network.bytes()).toViewer - before });
  else lost += 1;
  if ((press + 1) % 10 === 0) progress(`still: ${press + 1}/${presses}, lost ${lost}`);
}
const mismatches = Number(await badge.getAttribute('data-mismatches'));
const idleBefore = (await network.bytes()).toViewer;
await sleep(5_000);
const idleBytes = (await network.bytes()).toViewer - idleBefore;
const of = (pick: (sample: (typeof samples)[number]) => number, fraction: number): number =>
  quantile(samples.map(pick), fraction);
printResult({
  bench: 'still',
  medians: {
    wheel_to_verified_p50_ms: of(({ fromWheelMs }) => fromWheelMs, 0.5),
    wheel_to_verified_p95_ms: of(({ fromWheelMs }) => fromWheelMs, 0.95),
    frame_to_verified_p50_ms: of(({ fromFrameMs }) => fromFrameMs, 0.5),
    frame_to_verified_p95_ms: of(({ fromFrameMs }) => fromFrameMs, 0.95),
    bytes_p50: of(({ bytes }) => bytes, 0.5),
    bytes_p95: of(({ bytes }) => bytes, 0.95),
    idle_bytes_per_s: idleBytes / 5,
  },
  ratios: {},
  n: samples.length,
  results: { link, notches, lost, mismatches },
});

/** Resizes the window until the remote display has the size. */
async function fitDisplay(resized: Page): Promise<void> {
  const box = await person.video.evaluate((video: HTMLVideoElement) => {
    const { width, height } = (video.parentElement ?? video).getBoundingClientRect();
    return { width, height };
  });
  const window = resized.viewportSize() ?? size;
  await resized.setViewportSize({
    width: Math.round(window.width + size.width - box.width),
    height: Math.round(window.height + size.height - box.height),
  });
  const shown = async (): Promise<unknown> =>
    person.video.evaluate((video: HTMLVideoElement) => [video.videoWidth, video.videoHeight]);
  await expect.poll(shown, { timeout: 30_000 }).toEqual([size.width, size.height]);
}

/** Runs in the page. An input that nothing has answered yet gives the still back for a while: the frame with the answer takes it again. */
function installWatch(): void {
  const badge = document.querySelector('[data-testid="picture-state"]');
  const video = document.querySelector<HTMLVideoElement>('[data-testid="stream-video"]');
  if (!badge || !video) throw new Error('There is no picture');
  const restMs = 100;
  const isVerified = (): boolean => badge.getAttribute('data-state') === 'verified';
  type Times = { wheelAt?: number; frameAt?: number; seenAt?: number; verifiedAt?: number };
  let times: Times = {};
  addEventListener('wheel', ({ timeStamp }) => void (times = { wheelAt: timeStamp }), {
    capture: true,
    passive: true,
  });
  const next: VideoFrameRequestCallback = (now, { presentationTime }) => {
    video.requestVideoFrameCallback(next);
    if (times.wheelAt !== undefined && presentationTime > times.wheelAt)
      times = { ...times, frameAt: presentationTime, seenAt: now };
  };
  video.requestVideoFrameCallback(next);
  new MutationObserver(() => {
    if (!isVerified()) delete times.verifiedAt;
    else times.verifiedAt ??= performance.now();
  }).observe(badge, { attributeFilter: ['data-state'] });
  const result = (): unknown => {
    const { wheelAt, frameAt, seenAt, verifiedAt } = times;
    if (wheelAt === undefined || frameAt === undefined || seenAt === undefined) return null;
    if (verifiedAt === undefined || performance.now() - Math.max(seenAt, verifiedAt) < restMs) return null;
    return { fromWheelMs: verifiedAt - wheelAt, fromFrameMs: verifiedAt - frameAt };
  };
  const begin = (): void => void (times = {});
  Object.assign(globalThis, { stillWatch: { begin, result } });
}
