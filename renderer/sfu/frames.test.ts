import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { participantIdSchema, type StreamRequest, type StreamResponse } from '@medusa/protocol';
import { VirtualDisplay } from '../display/index.ts';
import { EncoderProcess } from '../encoder/index.ts';
import { Drawing } from '../test-support/drawing.ts';
import { bundlePicturePage, look, openPicturePage } from '../test-support/picture-page.ts';
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
let window: number;
let stream: SessionStream;
let browser: Browser;
let pageScript: string;
/** Frames of the main layer. */
let sent = 0;
let lastSent: number | undefined;

beforeAll(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-frames-'));
  cleanup.defer(async () => rm(folder, { recursive: true }));
  const signal = AbortSignal.timeout(20_000);
  const display = cleanup.use(await VirtualDisplay.create({ size, folder, uid: null, report }, signal));
  drawing = cleanup.use(await Drawing.open(display.address));
  window = await drawing.window(cover, { backgroundPixel: 0 });
  const { address, xauthorityFile } = display;
  const options = { address, xauthorityFile, size, framesPerSecond: 60, kbps, thrift: 'plenty' } as const;
  encoder = cleanup.use(await EncoderProcess.open(options, report, signal));
  const here = { bindAddress: '127.0.0.1', announcedAddress: '127.0.0.1', port: 0 };
  const workerBin = process.env['MEDIASOUP_WORKER_BIN'];
  const sfu = cleanup.use(await Sfu.create({ ...here, workerBin, report }));
  stream = cleanup.use(await sfu.openStream({ kbps, hasWeakLayer: true }));
  encoder.events.on('access-unit', (unit) => {
    stream.push(unit);
    if (unit.layer !== 'main') return;
    sent += 1;
    lastSent = unit.rtpTimestamp;
  });
  stream.events.on('keyframe-wanted', (layer) => encoder.requestKeyframe(layer));
  stream.events.on('bitrate', (wanted) => encoder.setBitrate(wanted));
  stream.events.on('weak-bitrate', (wanted) => encoder.setWeakBitrate(wanted));
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
  cleanup.defer(async () => browser.close());
  pageScript = await bundlePicturePage(folder);
});
afterAll(async () => cleanup.disposeAsync());

type Viewer = { readonly page: Page; readonly asked: StreamRequest[] } & AsyncDisposable;
type Ask = (request: StreamRequest) => Promise<StreamResponse>;
type ViewerOptions = {
  readonly transport?: string;
  readonly before?: () => void;
  /** What lies between the viewer and the node. */
  readonly between?: (request: StreamRequest, ask: Ask) => Promise<StreamResponse>;
};

async function openViewer(name: string, { transport, before, between }: ViewerOptions = {}): Promise<Viewer> {
  const participantId = participantIdSchema.parse(name);
  const asked: StreamRequest[] = [];
  const page = await openPicturePage(browser, {
    ...{ script: pageScript, you: name },
    ...(transport !== undefined && { transport }),
    ...(before && { before }),
    relay: async (request) => {
      asked.push(request);
      const ask: Ask = async (passed) => stream.answer(participantId, passed);
      return between ? between(request, ask) : ask(request);
    },
  });
  return {
    page,
    asked,
    async [Symbol.asyncDispose]() {
      await page.close();
      stream.removeParticipant(participantId);
    },
  };
}

const kindOf = async ({ page }: Viewer): Promise<string | undefined> =>
  page.evaluate(() => globalThis.window.picture.video.get()?.kind);
const sizeOf = async ({ page }: Viewer): Promise<unknown> => (await look(page)).size;
/** How far the middle of the picture is from a gray, in the worst of its channels. */
async function errorOf({ page }: Viewer, gray: number): Promise<number> {
  const { rgb } = await look(page);
  return rgb.length === 0 ? Infinity : Math.max(...rgb.map((value) => Math.abs(value - gray)));
}
const paint = async (gray: number): Promise<void> => drawing.paint(window, gray * 0x010101);
/** Each gray that is painted is shown, and none is shown that was not: to a level or two. */
async function expectToFollow(viewer: Viewer): Promise<void> {
  for (const gray of [0x20, 0xc0, 0x60, 0xff, 0]) {
    await paint(gray);
    await expect.poll(async () => errorOf(viewer, gray), { timeout: 10_000 }).toBeLessThanOrEqual(2);
  }
}

declare global {
  interface Window {
    /** Words of frames that were taken, while they are held back. */
    held: (() => void)[] | undefined;
    keyframes: number;
  }
}

/** Lets the words that frames were taken be held back, and counts the keyframes that come. */
function holdWords(): void {
  Object.assign(globalThis.window, { keyframes: 0 });
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    override createDataChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel {
      const channel = super.createDataChannel(label, options);
      const send = channel.send.bind(channel) as (message: unknown) => void;
      if (label === 'frames.taken')
        channel.send = (message: unknown) => {
          const { held } = globalThis.window;
          if (held) held.push(() => send(message));
          else send(message);
        };
      if (label === 'frames')
        channel.addEventListener('message', ({ data }) => {
          const [opcode, flags = 0] = new Uint8Array(data as ArrayBuffer);
          const isFirstChunk = opcode === 1 && new DataView(data as ArrayBuffer).getUint32(10) === 0;
          if (isFirstChunk) globalThis.window.keyframes += flags & 1;
        });
      return channel;
    }
  };
}

/** Says of each frame that it took 40 ms longer than the one before, as over a path that is too narrow. */
function sayLate(): void {
  let told = 0;
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    override createDataChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel {
      const channel = super.createDataChannel(label, options);
      if (label !== 'frames.arrived') return channel;
      const send = channel.send.bind(channel) as (message: unknown) => void;
      channel.send = (message: unknown) => {
        const words = message as Uint8Array<ArrayBuffer>;
        const view = new DataView(words.buffer, words.byteOffset);
        for (let at = 0; at < words.length; at += 9) {
          told += 1;
          view.setUint32(at + 4, view.getUint32(at + 4) + told * 400);
        }
        send(words);
      };
      return channel;
    }
  };
}

const keyframesOf = async ({ page }: Viewer): Promise<number> =>
  page.evaluate(() => globalThis.window.keyframes);

describe('the picture of a session', () => {
  it('comes as WebRTC video where the browser has that', async () => {
    await using viewer = await openViewer('media');
    await expect.poll(async () => sizeOf(viewer), { timeout: 20_000 }).toEqual([640, 480]);
    expect(await kindOf(viewer)).toBe('media');
    await expectToFollow(viewer);
  });

  it.each(['webcodecs', 'mse'])(
    'comes by the data channel too, in its own grays, and is told of as ever: %s',
    async (transport) => {
      await paint(0x40);
      await using viewer = await openViewer(transport, { transport });
      // At rest: of one frame, which came before there was anything to show it.
      await expect.poll(async () => errorOf(viewer, 0x40), { timeout: 20_000 }).toBeLessThanOrEqual(2);
      expect(await kindOf(viewer)).toBe(transport);
      await expectToFollow(viewer);
      expect(viewer.asked.map(({ kind }) => kind)).not.toContain('consume');
      // As a page that shows its video in another element, at rest.
      await viewer.page.evaluate(() => {
        const { video, picture } = globalThis.window;
        video.srcObject = null;
        picture.video.get()?.attach(video);
      });
      await expect.poll(async () => errorOf(viewer, 0), { timeout: 10_000 }).toBeLessThanOrEqual(2);
      await expectToFollow(viewer);
      // By name: the figures of latency, stills and paths hang on it.
      await expect
        .poll(async () => viewer.page.evaluate(() => globalThis.window.shown.at(-1)))
        .toBe(lastSent);
    },
  );

  it('is decoded by the page also where that has only a canvas to make a video of', async () => {
    const before = (): void => void Reflect.deleteProperty(globalThis, 'MediaStreamTrackGenerator');
    await paint(0x40);
    await using viewer = await openViewer('canvas', { transport: 'webcodecs', before });
    await expect.poll(async () => errorOf(viewer, 0x40), { timeout: 20_000 }).toBeLessThanOrEqual(2);
    await expectToFollow(viewer);
    expect(await kindOf(viewer)).toBe('webcodecs');
  });

  it('falls over to the data channel by itself when the SFU refuses the video', async () => {
    await using viewer = await openViewer('refused', {
      // As a browser describes itself that has no H.264 in WebRTC.
      between: async (request, ask) =>
        ask(request.kind === 'consume' ? { ...request, rtpCapabilities: { codecs: [] } } : request),
    });
    await expect.poll(async () => sizeOf(viewer), { timeout: 20_000 }).toEqual([640, 480]);
    expect(await kindOf(viewer)).toBe('webcodecs');
    expect(viewer.asked.map(({ kind }) => kind)).toContain('consume');
    await expectToFollow(viewer);
  });

  it('is played as a film where pages may not decode either', async () => {
    const before = (): void => {
      Reflect.deleteProperty(globalThis, 'VideoDecoder');
      RTCRtpReceiver.getCapabilities = () => ({ codecs: [], headerExtensions: [] });
    };
    await using viewer = await openViewer('film', { before });
    await expect.poll(async () => sizeOf(viewer), { timeout: 20_000 }).toEqual([640, 480]);
    expect(await kindOf(viewer)).toBe('mse');
    expect(viewer.asked.map(({ kind }) => kind)).not.toContain('consume');
    await expectToFollow(viewer);
  });

  it('comes by the data channel when the video shows nothing although the node sends it', async () => {
    const videos = new Set<string>();
    await using viewer = await openViewer('dark', {
      between: async (request, ask) => {
        // It is never begun, which the viewer is not told.
        if (request.kind === 'resume' && videos.has(request.consumerId)) return { kind: 'resume' };
        const answer = await ask(request);
        if (answer.kind === 'consume') videos.add(answer.id);
        return answer;
      },
    });
    await expect.poll(() => videos.size, { timeout: 10_000 }).toBe(1);
    await expect.poll(async () => sizeOf(viewer), { timeout: 20_000 }).toEqual([640, 480]);
    expect(await kindOf(viewer)).toBe('webcodecs');
    await expectToFollow(viewer);
  });

  it('comes as WebRTC video again when the page cannot decode after all', async () => {
    const before = (): void => {
      VideoDecoder.prototype.decode = () => {
        throw new Error('There is no memory for that');
      };
    };
    await using viewer = await openViewer('broken', { transport: 'webcodecs', before });
    await expect.poll(async () => sizeOf(viewer), { timeout: 20_000 }).toEqual([640, 480]);
    expect(await kindOf(viewer)).toBe('media');
    await expectToFollow(viewer);
  });

  it.each(['webcodecs', 'mse'])('becomes smaller for who is slower than others: %s', async (transport) => {
    await using fast = await openViewer(`fast-${transport}`);
    await using slow = await openViewer(`slow-${transport}`, { transport, before: sayLate });
    const timer = setInterval(() => void paint(Math.floor(performance.now() / 20) % 200).catch(report), 30);
    using painting = new DisposableStack();
    painting.defer(() => clearInterval(timer));

    await expect.poll(async () => sizeOf(slow), { timeout: 20_000 }).toEqual([214, 160]);
    expect(await sizeOf(fast)).toEqual([640, 480]);
    expect(await slow.page.evaluate(() => globalThis.window.picture.layer.get())).toBe('weak');

    painting.dispose();
    await expectToFollow(slow);
    await fast[Symbol.asyncDispose]();
    await expect.poll(async () => sizeOf(slow), { timeout: 20_000 }).toEqual([640, 480]);
    expect(slow.asked.filter(({ kind }) => kind === 'create-transport')).toHaveLength(2);
  });

  it('is let go of by a film that has gone beyond what later pictures build upon', async () => {
    await using viewer = await openViewer('long', { transport: 'mse' });
    const keptFrom = async (): Promise<number> =>
      viewer.page.evaluate(() => {
        const { buffered } = globalThis.window.video;
        return buffered.length > 0 ? buffered.start(0) : 0;
      });
    let gray = 0;
    await expect
      .poll(
        async () => {
          encoder.requestKeyframe('main');
          gray = (gray + 8) % 200;
          await paint(gray);
          return keptFrom();
        },
        { timeout: 20_000, interval: 50 },
      )
      .toBeGreaterThan(1);
    await expectToFollow(viewer);
    expect(await kindOf(viewer)).toBe('mse');
  });

  it('is never more than two frames ahead of who is slow, who gets a keyframe once it has caught up', async () => {
    await using viewer = await openViewer('behind', { transport: 'webcodecs', before: holdWords });
    await expect.poll(async () => errorOf(viewer, 0), { timeout: 20_000 }).toBeLessThanOrEqual(2);
    await viewer.page.evaluate(() => void (globalThis.window.held = []));
    const sentBefore = sent;
    let gray = 0;
    for (; sent - sentBefore < 20; gray = (gray + 1) % 100) await paint(gray);
    await paint(0xe0);

    expect(await viewer.page.evaluate(() => globalThis.window.held?.length)).toBe(2);
    const before = await keyframesOf(viewer);
    await viewer.page.evaluate(() => {
      const held = globalThis.window.held ?? [];
      globalThis.window.held = undefined;
      for (const say of held) say();
    });
    await expect.poll(async () => errorOf(viewer, 0xe0), { timeout: 10_000 }).toBeLessThanOrEqual(2);
    expect((await keyframesOf(viewer)) - before).toBe(1);
    await expectToFollow(viewer);
  });
});
