/// <reference lib="dom" />
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import type { StreamRequest, StreamResponse } from '@medusa/protocol';

type Shown = { readonly kind: string; attach(video: HTMLVideoElement): () => void };
type Watched<Value> = { get(): Value; subscribe(listener: () => void): () => void };
/** As much of the client's picture as is looked at. */
type ClientPicture = {
  readonly video: Watched<Shown | null>;
  readonly layer: Watched<string>;
  seat(you: string): void;
  frameShown(frame: { readonly rtpTimestamp: number }, at: number): void;
};
type Client = {
  Picture: new (options: object) => ClientPicture;
  watchFrames: (
    video: HTMLVideoElement,
    watched: { picture: ClientPicture; shown: Shown; shownIn: () => void },
  ) => () => void;
};

declare global {
  interface Window {
    medusaClient: Client;
    relay: (request: StreamRequest) => Promise<StreamResponse>;
    picture: ClientPicture;
    video: HTMLVideoElement;
    /** RTP timestamps of the frames that reached the screen. */
    shown: number[];
  }
}

/** Browsers let nothing but pages of a secure origin decode. */
const picturePageUrl = 'http://localhost/picture';

/** The client's own receiving end. It is found by its path, for rooms import nothing of each other. */
export async function bundlePicturePage(folder: string): Promise<string> {
  const entry = path.join(folder, 'picture-page.ts');
  const client = fileURLToPath(new URL('../../client/stream/', import.meta.url));
  const parts = { Picture: 'picture.ts', watchFrames: 'watch-frames.ts' };
  const lines = Object.entries(parts).map(
    ([name, file]) => `export { ${name} } from ${JSON.stringify(path.join(client, file))};`,
  );
  await writeFile(entry, lines.join('\n'));
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'medusaClient' } },
  });
  const output = Array.isArray(built) ? built[0] : built;
  const chunk = output && 'output' in output ? output.output[0] : undefined;
  if (!chunk) throw new Error('the page of the picture was not built');
  return chunk.code;
}

type Options = {
  readonly script: string;
  readonly you: string;
  readonly transport?: string;
  readonly relay: (request: StreamRequest) => Promise<StreamResponse>;
  /** Runs in the page before anything else. */
  readonly before?: () => void;
};

/** A browser with the client's picture in a <video>, without anything around it. */
export async function openPicturePage(browser: Browser, options: Options): Promise<Page> {
  const { script, you, transport, relay, before } = options;
  const page = await browser.newPage();
  await page.route(picturePageUrl, async (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
  );
  await page.exposeFunction('relay', relay);
  if (before) await page.addInitScript(before);
  await page.goto(picturePageUrl);
  await page.addScriptTag({ content: script });
  await page.evaluate(show, { you, transport });
  return page;
}

/** Colour in the middle of the picture, and its size. */
export async function look(page: Page): Promise<{ size: [number, number]; rgb: number[] }> {
  return page.evaluate(() => {
    const { video } = window;
    const [width, height] = [video.videoWidth, video.videoHeight];
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d');
    if (!context || width === 0) return { size: [0, 0], rgb: [] };
    [canvas.width, canvas.height] = [width, height];
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(Math.floor(width / 2), Math.floor(height / 2), 1, 1);
    return { size: [width, height], rgb: [...data.slice(0, 3)] };
  });
}

/** In the page. */
function show({ you, transport }: { you: string; transport: string | undefined }): void {
  const { Picture, watchFrames } = window.medusaClient;
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const picture = new Picture({
    ask: window.relay,
    whenOnline: () => ({ [Symbol.dispose]: () => undefined }),
    noteStep: () => undefined,
    tellPath: () => undefined,
    transport,
  });
  Object.assign(window, { picture, video, shown: [] });
  const told = picture.frameShown.bind(picture);
  picture.frameShown = (frame, at) => {
    window.shown.push(frame.rtpTimestamp);
    told(frame, at);
  };
  let stop: (() => void) | undefined;
  picture.video.subscribe(() => {
    stop?.();
    const shown = picture.video.get();
    if (!shown) return;
    const detach = shown.attach(video);
    const unwatch = watchFrames(video, { picture, shown, shownIn: () => undefined });
    stop = () => {
      unwatch();
      detach();
    };
  });
  picture.seat(you);
}
