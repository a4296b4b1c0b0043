import { chromium, type Browser, type CDPSession, type Page } from '@playwright/test';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type * as inputCapture from './input-capture.ts';

type Sent = { kind: string; x?: number; y?: number; button?: number; isDown?: boolean; notchesY?: number };
type TouchPage = {
  sent: Sent[];
  pointed: ({ x: number; y: number } | null)[];
  hasControl: boolean;
  MedusaInput: typeof inputCapture;
};
type Finger = readonly [x: number, y: number];

/** The real module in a real browser with a touch screen: a 640 × 360 box at (100, 50) that shows a 1280 × 720 display. */
describe('fingers on the picture', () => {
  let browser: Browser;
  let page: Page;
  let cdp: CDPSession;
  let script: string;

  beforeAll(async () => {
    script = await bundle();
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  });
  afterAll(async () => browser.close());
  afterEach(async () => page.close());

  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 900, height: 600 }, hasTouch: true });
    await page.setContent(
      '<textarea inputmode="none"></textarea><div id="picture" style="touch-action:none;position:absolute;left:100px;top:50px;width:640px;height:360px"></div>',
    );
    await page.addScriptTag({ content: script });
    await page.evaluate(() => {
      const state = globalThis as unknown as TouchPage;
      Object.assign(state, { sent: [], pointed: [], hasControl: true });
      const element = document.querySelector<HTMLElement>('#picture');
      const keyboard = document.querySelector('textarea');
      if (!element || !keyboard) return;
      const nothing = (): undefined => undefined;
      state.MedusaInput.captureInput({
        ...{
          element,
          keyboard,
          holdPointing: nothing,
          leave: nothing,
          noteImage: nothing,
          holdMouse: nothing,
        },
        displaySize: () => ({ width: 1280, height: 720 }),
        hasControl: () => state.hasControl,
        isPointing: () => false,
        send: (event) => state.sent.push(event),
        point: (place) => state.pointed.push(place),
        clipboard: {
          ...{ copied: async () => undefined, wantsPaste: () => false, left: nothing },
          paste: async () => false,
        },
      });
      keyboard.focus();
    });
    cdp = await page.context().newCDPSession(page);
  });

  const touch = async (type: 'touchStart' | 'touchMove' | 'touchEnd' | 'touchCancel', ...fingers: Finger[]) =>
    cdp.send('Input.dispatchTouchEvent', { type, touchPoints: fingers.map(([x, y], id) => ({ x, y, id })) });
  const sent = async (): Promise<Sent[]> => page.evaluate(() => (globalThis as unknown as TouchPage).sent);
  const buttons = async (): Promise<unknown[]> =>
    (await sent())
      .filter(({ kind }) => kind === 'button')
      .map(({ button, isDown, x, y }) => [isDown === true ? 'down' : 'up', button, x, y]);
  const notches = async (): Promise<number> =>
    (await sent()).reduce((sum, { notchesY = 0 }) => sum + notchesY, 0);

  it('take a tap for a click of the left button', async () => {
    await touch('touchStart', [300, 200]);
    await touch('touchEnd');

    expect(await buttons()).toEqual([
      ['down', 1, 400, 300],
      ['up', 1, 400, 300],
    ]);
  });

  it('draw with the left button, one finger at a time', async () => {
    await touch('touchStart', [300, 200]);
    for (let step = 1; step <= 5; step += 1) await touch('touchMove', [300 + step * 10, 200]);
    await touch('touchEnd');

    expect(await buttons()).toEqual([
      ['down', 1, 400, 300],
      ['up', 1, 500, 300],
    ]);
    expect((await sent()).filter(({ kind }) => kind === 'move').at(-1)).toMatchObject({ x: 500, y: 300 });
  });

  it('press the right button when one rests, and draw with it', async () => {
    await touch('touchStart', [300, 200]);
    await expect.poll(buttons).toEqual([['down', 3, 400, 300]]);
    await touch('touchMove', [320, 200]);
    await touch('touchEnd');

    expect((await buttons()).at(-1)).toEqual(['up', 3, 440, 300]);
  });

  it('turn the wheel by two, as the picture would follow them, and press nothing', async () => {
    await touch('touchStart', [300, 200], [360, 200]);
    for (let step = 1; step <= 10; step += 1)
      await touch('touchMove', [300, 200 - step * 20], [360, 200 - step * 20]);
    await expect.poll(notches).toBe(5);
    await touch('touchMove', [300, 200], [360, 200]);
    await expect.poll(notches).toBe(0);
    await touch('touchEnd');

    expect(await buttons()).toEqual([]);
    expect((await sent()).filter(({ kind }) => kind === 'key')).toEqual([]);
    expect((await sent()).find(({ kind }) => kind === 'wheel')).toMatchObject({ x: 460, y: 300 });
  });

  it('turn it with Ctrl when they spread or close', async () => {
    await touch('touchStart', [300, 200], [360, 200]);
    for (let step = 1; step <= 10; step += 1)
      await touch('touchMove', [300 - step * 6, 200], [360 + step * 6, 200]);
    await touch('touchEnd');

    // Three times as far apart: larger by eleven steps of a tenth.
    await expect.poll(notches).toBe(-11);
    const around = (await sent())
      .filter(({ kind }) => kind !== 'move')
      .map(({ kind, isDown }) => [kind, isDown]);
    expect(around.slice(0, 3)).toEqual([
      ['key', true],
      ['wheel', undefined],
      ['key', false],
    ]);
    expect(await buttons()).toEqual([]);
  });

  it('let up what is down when a second one comes, and when the system takes them', async () => {
    await touch('touchStart', [300, 200]);
    await touch('touchMove', [330, 200]);
    await touch('touchStart', [330, 200], [400, 200]);
    expect((await buttons()).at(-1)).toEqual(['up', 1, 460, 300]);
    await touch('touchEnd', [330, 200]);
    await touch('touchMove', [390, 260]);
    await touch('touchEnd');
    expect(await buttons()).toHaveLength(2);

    await touch('touchStart', [300, 200]);
    await touch('touchMove', [330, 200]);
    await touch('touchCancel');
    expect((await buttons()).at(-1)).toEqual(['up', 1, 460, 300]);
  });

  it('point as long as they touch, where somebody else steers', async () => {
    await page.evaluate(() => {
      (globalThis as unknown as TouchPage).hasControl = false;
    });
    await touch('touchStart', [260, 140]);
    await touch('touchMove', [420, 140]);
    await touch('touchEnd');

    expect(await sent()).toEqual([]);
    const pointed = await page.evaluate(() => (globalThis as unknown as TouchPage).pointed);
    expect(pointed).toEqual(
      expect.arrayContaining([
        { x: 0.25, y: 0.25 },
        { x: 0.5, y: 0.25 },
      ]),
    );
    expect(pointed.at(-1)).toBeNull();
  });
});

async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      lib: { entry: `${import.meta.dirname}/input-capture.ts`, formats: ['iife'], name: 'MedusaInput' },
    },
  });
  const output = Array.isArray(built) ? built[0] : built;
  if (!output || !('output' in output)) throw new Error('vite built nothing');
  return output.output[0].code;
}
