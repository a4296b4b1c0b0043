import { chromium, type Browser, type Page } from '@playwright/test';
import { build } from 'vite';
import type * as inputCapture from './input-capture.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

type Sent = { kind: string; x?: number; y?: number; button?: number; isDown?: boolean; keysym?: number };
type InputPage = {
  sent: Sent[];
  pointed: ({ x: number; y: number } | null)[];
  hasControl: boolean;
  left: number;
  MedusaInput: typeof inputCapture;
};

/** The real module in a real browser: a 640 × 360 box at (100, 50) that shows a 1280 × 720 display. */
describe('captureInput', () => {
  let browser: Browser;
  let page: Page;
  let script: string;

  beforeAll(async () => {
    script = await bundle();
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  });

  afterAll(async () => browser.close());

  afterEach(async () => page.close());

  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 900, height: 600 } });
    await page.setContent(
      '<button>other</button><div id="picture" tabindex="0" style="position:absolute;left:100px;top:50px;width:640px;height:360px"></div>',
    );
    await page.addScriptTag({ content: script });
    await page.evaluate(() => {
      const state = globalThis as unknown as InputPage;
      Object.assign(state, { sent: [], pointed: [], hasControl: true, left: 0 });
      const element = document.querySelector<HTMLElement>('#picture');
      if (!element) return;
      state.MedusaInput.captureInput({
        element,
        displaySize: () => ({ width: 1280, height: 720 }),
        hasControl: () => state.hasControl,
        isPointing: () => false,
        send: (event) => state.sent.push(event),
        point: (place) => state.pointed.push(place),
        holdPointing: () => undefined,
        leave: () => {
          state.left += 1;
        },
      });
      element.focus();
    });
  });

  const sent = async (): Promise<Sent[]> => page.evaluate(() => (globalThis as unknown as InputPage).sent);
  const without = async (kind: string): Promise<Sent[]> =>
    (await sent()).filter((event) => event.kind !== kind);

  it('sends a drag as press, moves and release in px of the display', async () => {
    await page.mouse.move(110, 60);
    await page.mouse.down({ button: 'right' });
    await page.mouse.move(300, 200, { steps: 4 });
    await page.mouse.up({ button: 'right' });

    const events = await sent();
    expect(events.filter(({ kind }) => kind === 'button')).toEqual([
      { kind: 'button', x: 20, y: 20, button: 3, isDown: true },
      { kind: 'button', x: 400, y: 300, button: 3, isDown: false },
    ]);
    expect(events.some(({ kind }) => kind === 'move')).toBe(true);
  });

  it('goes on with a drag that leaves the picture, and stays within the display', async () => {
    await page.mouse.move(110, 60);
    await page.mouse.down();
    await page.mouse.move(890, 590);
    await page.mouse.up();

    expect((await without('move')).at(-1)).toEqual({
      kind: 'button',
      x: 1279,
      y: 719,
      button: 1,
      isDown: false,
    });
  });

  it('sends keys as keysyms, and lets up what went down though the modifier changed meanwhile', async () => {
    await page.keyboard.down('Shift');
    await page.keyboard.down('A');
    await page.keyboard.up('Shift');
    await page.keyboard.up('a');

    expect(await without('move')).toEqual([
      { kind: 'key', keysym: 0xffe1, isDown: true },
      { kind: 'key', keysym: 0x41, isDown: true },
      { kind: 'key', keysym: 0xffe1, isDown: false },
      { kind: 'key', keysym: 0x41, isDown: false },
    ]);
  });

  it('lets everything up when the focus goes', async () => {
    await page.keyboard.down('x');
    await page.locator('button').focus();

    expect((await without('move')).at(-1)).toEqual({ kind: 'release-all' });
  });

  it('leads out of the picture by its own keys', async () => {
    await page.keyboard.press('Control+Alt+KeyM');

    expect(await page.evaluate(() => (globalThis as unknown as InputPage).left)).toBe(1);
    expect((await sent()).some(({ keysym }) => keysym === 0x6d)).toBe(false);
  });

  it('sends nothing without control, but points', async () => {
    await page.evaluate(() => {
      (globalThis as unknown as InputPage).hasControl = false;
    });
    await page.mouse.move(260, 140);
    await page.mouse.click(260, 140);
    await page.keyboard.press('a');

    expect(await sent()).toEqual([]);
    const pointed = await page.evaluate(() => (globalThis as unknown as InputPage).pointed);
    expect(pointed).toContainEqual({ x: 0.25, y: 0.25 });
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
