import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VirtualDisplay } from '../display/index.ts';
import { InputInjector } from './index.ts';

const report = (error: unknown): void => {
  throw error as Error;
};
const keysyms = { shift: 0xffe1, control: 0xffe3, backspace: 0xff08, a: 0x61, upperA: 0x41 };
const keysymOf = (character: string): number => {
  const point = character.codePointAt(0) ?? 0;
  return point <= 0xff ? point : 0x0100_0000 + point;
};

/** A browser with a window on the display, as a workstation is one: what its page has of what was typed. */
describe('typing into a program on the display', () => {
  const cleanup = new AsyncDisposableStack();
  let injector: InputInjector;
  let page: Page;
  let sequence = 0;

  beforeAll(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'medusa-typing-'));
    cleanup.defer(async () => rm(folder, { recursive: true, force: true }));
    const options = { size: { widthPx: 900, heightPx: 700 }, folder, uid: null, report };
    const display = cleanup.use(await VirtualDisplay.create(options, AbortSignal.timeout(20_000)));
    injector = cleanup.use(await InputInjector.open(display.address, report));
    const browser: Browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      headless: false,
      args: ['--no-sandbox', '--kiosk', '--window-position=0,0', '--window-size=900,700'],
      env: { ...process.env, DISPLAY: display.address.displayName, XAUTHORITY: display.xauthorityFile },
    });
    cleanup.defer(async () => browser.close());
    page = await browser.newPage({ viewport: null });
    await page.setContent('<textarea style="position:fixed;inset:0" autofocus></textarea>');
  }, 60_000);
  afterAll(async () => cleanup.disposeAsync());

  beforeEach(async () => {
    await page.locator('textarea').fill('');
    inject({ kind: 'button', x: 450, y: 400, button: 1, isDown: true });
    inject({ kind: 'button', x: 450, y: 400, button: 1, isDown: false });
    await expect.poll(async () => page.evaluate(() => document.hasFocus())).toBe(true);
  });

  type Unnumbered =
    | { kind: 'key'; keysym: number; isDown: boolean }
    | { kind: 'button'; x: number; y: number; button: number; isDown: boolean }
    | { kind: 'release-all' };
  const inject = (event: Unnumbered): void => {
    sequence += 1;
    injector.inject({ ...event, sequence });
  };
  const press = (keysym: number): void => {
    for (const isDown of [true, false]) inject({ kind: 'key', keysym, isDown });
  };
  const type = (text: string): void => {
    for (const character of text) press(keysymOf(character));
  };
  const written = async (): Promise<string> => page.locator('textarea').inputValue();

  it('writes what no key of the display has', async () => {
    type('aé ß@{}\\ €Я');

    await expect.poll(written).toBe('aé ß@{}\\ €Я');
  });

  it('writes a composed word, and the same character twice', async () => {
    type('日本語日本語');

    await expect.poll(written).toBe('日本語日本語');
  });

  it('writes more different characters than the display has keys to lend', async () => {
    const text = Array.from({ length: 150 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join('');
    type(text);

    await expect.poll(written, { timeout: 20_000 }).toBe(text);
  });

  it('writes a character that the user makes with Shift and the display without', async () => {
    inject({ kind: 'key', keysym: keysyms.shift, isDown: true });
    type('/A');
    inject({ kind: 'key', keysym: keysyms.shift, isDown: false });
    type('a');

    await expect.poll(written).toBe('/Aa');
  });

  it('repeats a key that is told again, and takes shortcuts', async () => {
    for (let times = 0; times < 3; times += 1) inject({ kind: 'key', keysym: keysymOf('ö'), isDown: true });
    inject({ kind: 'key', keysym: keysymOf('ö'), isDown: false });
    await expect.poll(written).toBe('ööö');

    inject({ kind: 'key', keysym: keysyms.control, isDown: true });
    press(keysyms.a);
    inject({ kind: 'key', keysym: keysyms.control, isDown: false });
    press(keysyms.backspace);
    await expect.poll(written).toBe('');
  });

  it('names keys that another keyboard has with Shift, and this one without', async () => {
    await page.evaluate(() => {
      const seen: string[] = [];
      Object.assign(globalThis, { seen });
      addEventListener('keydown', ({ key }) => seen.push(key));
    });
    type('+?+');
    inject({ kind: 'key', keysym: keysyms.shift, isDown: true });
    type('/A');
    inject({ kind: 'key', keysym: keysyms.shift, isDown: false });
    type('+=');

    await expect.poll(written).toBe('+?+/A+=');
    const seen = await page.evaluate<string[]>('seen');
    expect(seen.filter((key) => key !== 'Shift')).toEqual(['+', '?', '+', '/', 'A', '+', '=']);
  });

  it('leaves no modifier behind', async () => {
    inject({ kind: 'key', keysym: keysyms.shift, isDown: true });
    inject({ kind: 'key', keysym: keysyms.control, isDown: true });
    inject({ kind: 'release-all' });
    type('a');

    await expect.poll(written).toBe('a');
  });
});
