import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build } from 'vite';
import { type FrameArrival, participantIdSchema, type StreamRequest } from '@medusa/protocol';
import { VirtualDisplay } from '../display/index.ts';
import { EncoderProcess } from '../encoder/index.ts';
import { Drawing } from '../test-support/drawing.ts';
import { type SessionStream, Sfu } from './index.ts';

const size = { widthPx: 640, heightPx: 480 };
const cover = { x: 0, y: 0, width: 640, height: 480 };
const kbps = 12_000;
const report = (error: unknown): void => {
  throw error as Error;
};
const cleanup = new AsyncDisposableStack();
let encoder: EncoderProcess;
let drawing: Drawing;
let stream: SessionStream;
let browser: Browser;
let viewerScript: string;
/** What each viewer has not told yet. */
const untold = new Set<{ readonly lateMs: number; frames: number; arrivals: FrameArrival[] }>();
const weakRates: (number | null)[] = [];

beforeAll(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-layers-'));
  cleanup.defer(async () => rm(folder, { recursive: true }));
  const signal = AbortSignal.timeout(20_000);
  const display = cleanup.use(await VirtualDisplay.create({ size, folder, uid: null, report }, signal));
  drawing = cleanup.use(await Drawing.open(display.address));
  const { address, xauthorityFile } = display;
  const options = { address, xauthorityFile, size, framesPerSecond: 60, kbps, thrift: 'plenty' } as const;
  encoder = cleanup.use(await EncoderProcess.open(options, report, signal));
  const here = { bindAddress: '127.0.0.1', announcedAddress: '127.0.0.1', port: 0 };
  const workerBin = process.env['MEDIASOUP_WORKER_BIN'];
  const sfu = cleanup.use(await Sfu.create({ ...here, workerBin, report }));
  stream = cleanup.use(await sfu.openStream({ kbps, hasWeakLayer: true }));
  encoder.events.on('access-unit', (unit) => {
    stream.push(unit);
    const sentMs = performance.now();
    for (const viewer of untold) {
      viewer.frames += 1;
      const atMs = sentMs + viewer.frames * viewer.lateMs;
      viewer.arrivals.push({ rtpTimestamp: unit.rtpTimestamp, atMs, untold: 0 });
    }
  });
  stream.events.on('keyframe-wanted', (layer) => encoder.requestKeyframe(layer));
  stream.events.on('bitrate', (wanted) => encoder.setBitrate(wanted));
  stream.events.on('weak-bitrate', (wanted) => {
    weakRates.push(wanted);
    encoder.setWeakBitrate(wanted);
  });
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  cleanup.defer(async () => browser.close());
  viewerScript = await bundleViewer();
});
afterAll(async () => cleanup.disposeAsync());

async function bundleViewer(): Promise<string> {
  const entry = fileURLToPath(new URL('../test-support/viewer-page.ts', import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'medusaViewer' } },
  });
  const output = Array.isArray(built) ? built[0] : built;
  const chunk = output && 'output' in output ? output.output[0] : undefined;
  if (!chunk) throw new Error('the viewer page was not built');
  return chunk.code;
}

/**
 * A viewer that says of each frame that it took `lateMs` longer than the one before: as over a path that is too narrow, or, at 0, over one
 * that takes everything. How long frames really take hangs on what else the machine does.
 */
async function openViewer(name: string, lateMs: number): Promise<Page & AsyncDisposable> {
  const page = await browser.newPage();
  const participantId = participantIdSchema.parse(name);
  await page.exposeFunction('relay', async (request: StreamRequest) => stream.answer(participantId, request));
  await page.addScriptTag({ content: viewerScript });
  await page.evaluate(async () => window.viewer.start());
  const viewer = { lateMs, frames: 0, arrivals: new Array<FrameArrival>() };
  untold.add(viewer);
  const timer = setInterval(() => {
    const told = viewer.arrivals.splice(0);
    if (told.length === 0) return;
    page
      .evaluate(async (given) => window.viewer.tell(given), told)
      .catch((error: unknown) => {
        if (!page.isClosed()) report(error);
      });
  }, 50);
  return Object.assign(page, {
    async [Symbol.asyncDispose]() {
      untold.delete(viewer);
      clearInterval(timer);
      await page.close();
      stream.removeParticipant(participantId);
    },
  });
}

const sizeOf = async (page: Page): Promise<unknown> =>
  (await page.evaluate(() => window.viewer.look(0.5, 0.5))).size;

describe('SessionStream', () => {
  it('gives who is slow a picture of its own on the transport that it has, and the others theirs as before', async () => {
    const window = await drawing.window(cover, { backgroundPixel: 0 });
    let painted = 0;
    const timer = setInterval(() => {
      painted += 1;
      drawing.paint(window, (painted % 200) * 0x010101).catch(report);
    }, 30);
    using painting = new DisposableStack();
    painting.defer(() => clearInterval(timer));
    await using fast = await openViewer('fast', 0);
    await expect.poll(async () => sizeOf(fast), { timeout: 20_000 }).toEqual([640, 480]);

    await using slow = await openViewer('slow', 40);
    await expect.poll(async () => sizeOf(slow), { timeout: 20_000 }).toEqual([214, 160]);
    expect(await sizeOf(fast)).toEqual([640, 480]);
    expect(weakRates.at(-1)).toBe(500);
    expect(stream.targetKbps).toBeGreaterThan(500);

    painting.dispose();
    await drawing.paint(window, 0xc0c0c0);
    const gray = async (page: Page): Promise<number> =>
      Math.abs(((await page.evaluate(() => globalThis.window.viewer.look(0.5, 0.5))).rgb[0] ?? 0) - 0xc0);
    for (const page of [fast, slow])
      await expect.poll(async () => gray(page), { timeout: 10_000 }).toBeLessThanOrEqual(3);

    await fast[Symbol.asyncDispose]();
    await expect.poll(async () => sizeOf(slow), { timeout: 20_000 }).toEqual([640, 480]);
    expect(weakRates.at(-1)).toBeNull();
  });
});
