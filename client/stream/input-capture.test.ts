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
  noted: number;
  copied: number;
  mayPaste: boolean;
  pasted: { text: string; hasFiles: boolean }[];
  /** Ends the pasting that is under way. */
  endPaste?: (isDone: boolean) => void;
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
      '<button>other</button><input value="of this computer"><textarea></textarea><div id="picture" style="position:absolute;left:100px;top:50px;width:640px;height:360px"></div>',
    );
    await page.addScriptTag({ content: script });
    await page.evaluate(() => {
      const state = globalThis as unknown as InputPage;
      Object.assign(state, { sent: [], pointed: [], hasControl: true, left: 0, noted: 0 });
      Object.assign(state, { copied: 0, mayPaste: true, pasted: [] });
      const element = document.querySelector<HTMLElement>('#picture');
      const keyboard = document.querySelector('textarea');
      if (!element || !keyboard) return;
      state.MedusaInput.captureInput({
        element,
        keyboard,
        displaySize: () => ({ width: 1280, height: 720 }),
        hasControl: () => state.hasControl,
        isPointing: () => false,
        send: (event) => state.sent.push(event),
        clipboard: {
          copied: async () => void (state.copied += 1),
          wantsPaste: () => state.mayPaste,
          paste: async (pasted) => {
            state.pasted.push(pasted);
            return new Promise((resolve) => (state.endPaste = resolve));
          },
          left: () => undefined,
        },
        point: (place) => state.pointed.push(place),
        holdPointing: () => undefined,
        leave: () => {
          state.left += 1;
        },
        noteImage: () => {
          state.noted += 1;
        },
        holdMouse: () => void element.requestPointerLock(),
      });
      keyboard.focus();
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

  describe('whatever the keyboard', () => {
    /** What a display that knows these keysyms has been told to write. */
    const typed = async (): Promise<string> =>
      (await without('move'))
        .filter(({ kind, isDown, keysym = 0 }) => kind === 'key' && isDown === true && isCharacter(keysym))
        .map(({ keysym = 0 }) => String.fromCodePoint(keysym & 0xff_ffff))
        .join('');
    const isCharacter = (keysym: number): boolean => keysym < 0x100 || keysym >= 0x0100_0000;
    /** Everything that went down came up again. */
    const held = async (): Promise<number[]> => {
      const keysyms = new Set<number>();
      for (const { isDown, keysym = 0 } of (await sent()).filter(({ kind }) => kind === 'key'))
        if (isDown === true) keysyms.add(keysym);
        else keysyms.delete(keysym);
      return [...keysyms];
    };

    it('types the characters that its keys make', async () => {
      for (const key of ['é', 'ß', 'Я']) await press(page, { key, code: 'KeyE' });

      expect(await typed()).toBe('éßЯ');
      expect(await held()).toEqual([]);
    });

    it('takes AltGr for a part of the character, also where the system calls it Ctrl and Alt', async () => {
      const [control, alt] = [2, 1];
      const cdp = await page.context().newCDPSession(page);
      const key = async (type: 'rawKeyDown' | 'keyUp', [name, code]: [string, string], modifiers = 0) =>
        cdp.send('Input.dispatchKeyEvent', { type, key: name, code, modifiers, location: 1 });
      await key('rawKeyDown', ['Control', 'ControlLeft'], control);
      await key('rawKeyDown', ['AltGraph', 'AltRight'], control | alt);
      await key('rawKeyDown', ['@', 'KeyQ'], control | alt);
      await key('keyUp', ['@', 'KeyQ'], control | alt);
      await key('keyUp', ['Control', 'ControlLeft'], alt);
      await key('keyUp', ['AltGraph', 'AltRight']);

      expect(await without('move')).toEqual([
        { kind: 'key', keysym: 0xffe3, isDown: true },
        { kind: 'key', keysym: 0xffe3, isDown: false },
        { kind: 'key', keysym: 0x40, isDown: true },
        { kind: 'key', keysym: 0x40, isDown: false },
      ]);
    });

    it('waits for what a dead key and an input method compose, and sends that once', async () => {
      const cdp = await page.context().newCDPSession(page);
      await press(page, { key: 'Dead', code: 'BracketLeft' });
      await cdp.send('Input.imeSetComposition', { text: '´', selectionStart: 1, selectionEnd: 1 });
      await cdp.send('Input.insertText', { text: 'é' });
      for (const text of ['に', 'にほ', 'にほん', '日本'])
        await cdp.send('Input.imeSetComposition', {
          text,
          selectionStart: text.length,
          selectionEnd: text.length,
        });
      await cdp.send('Input.insertText', { text: '日本' });
      await cdp.send('Input.insertText', { text: 'a\u0301' });

      expect(await typed()).toBe('é日本á');
      expect(await held()).toEqual([]);
      expect(await page.locator('textarea').inputValue()).toBe('');
    });

    it('sends nothing of a composition that was given up', async () => {
      const cdp = await page.context().newCDPSession(page);
      await cdp.send('Input.imeSetComposition', { text: 'か', selectionStart: 1, selectionEnd: 1 });
      await cdp.send('Input.imeSetComposition', { text: '', selectionStart: 0, selectionEnd: 0 });

      expect(await typed()).toBe('');
    });

    it('repeats with the key, and lets a modifier up whose release the system kept', async () => {
      await page.keyboard.down('Shift');
      const cdp = await page.context().newCDPSession(page);
      for (const autoRepeat of [false, true, true])
        await cdp.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'x', code: 'KeyX', autoRepeat });
      await cdp.send('Input.dispatchKeyEvent', { type: 'keyUp', key: 'x', code: 'KeyX' });

      expect(await typed()).toBe('xxx');
      expect(await held()).toEqual([]);
    });

    it('sends the Latin letter of a shortcut', async () => {
      const control = 2;
      await press(page, { key: 'с', code: 'KeyC', modifiers: control });

      expect(await typed()).toBe('c');
    });

    it('takes nothing that is pasted or dropped', async () => {
      const isTaken = await page.evaluate(() =>
        document
          .querySelector('textarea')
          ?.dispatchEvent(new InputEvent('beforeinput', { inputType: 'insertFromPaste', cancelable: true })),
      );

      expect(isTaken).toBe(false);
      expect(await typed()).toBe('');
    });
  });

  describe('the clipboard', () => {
    const copied = async (): Promise<number> =>
      page.evaluate(() => (globalThis as unknown as InputPage).copied);
    const pasted = async (): Promise<InputPage['pasted']> =>
      page.evaluate(() => (globalThis as unknown as InputPage).pasted);
    const keys = async (): Promise<string[]> =>
      (await without('move'))
        .filter(({ kind }) => kind === 'key')
        .map(({ keysym = 0, isDown }) => `${isDown === true ? '+' : '-'}${keysym.toString(16)}`);
    const control = 'ffe3';
    const copyHere = async (): Promise<void> => {
      await page.locator('input').focus();
      await page.locator('input').selectText();
      await page.keyboard.press('Control+c');
      await page.locator('textarea').focus();
      await page.evaluate(() => ((globalThis as unknown as InputPage).sent = []));
    };

    it('is told of what the display copies, as the display is', async () => {
      await page.keyboard.press('Control+c');
      await page.keyboard.press('Control+x');
      await page.keyboard.press('c');

      expect(await copied()).toBe(2);
      expect(await keys()).toEqual([
        ...[`+${control}`, '+63', '-63', `-${control}`, `+${control}`, '+78', '-78', `-${control}`],
        ...['+63', '-63'],
      ]);
    });

    it('is handed over before the display is told to paste, and what is typed meanwhile waits', async () => {
      await copyHere();
      await page.keyboard.press('Control+v');
      await page.keyboard.type('ab');
      await expect.poll(async () => (await pasted()).length).toBe(1);
      expect(await pasted()).toEqual([{ text: 'of this computer', hasFiles: false }]);
      expect(await keys()).toEqual([`+${control}`]);

      await page.evaluate(() => (globalThis as unknown as InputPage).endPaste?.(true));

      expect(await keys()).toEqual([
        ...[`+${control}`, '+76', '-76', `-${control}`],
        ...['+61', '-61', '+62', '-62'],
      ]);
      expect(await page.locator('textarea').inputValue()).toBe('');
    });

    it('tells the display nothing when it could not be handed over', async () => {
      await copyHere();
      await page.keyboard.press('Control+v');
      await page.keyboard.type('a');
      await expect.poll(async () => (await pasted()).length).toBe(1);

      await page.evaluate(() => (globalThis as unknown as InputPage).endPaste?.(false));

      expect(await keys()).toEqual([`+${control}`, `-${control}`, '+61', '-61']);
    });

    it('stays out of it where the display pastes what it has itself', async () => {
      await page.evaluate(() => ((globalThis as unknown as InputPage).mayPaste = false));
      await copyHere();
      await page.keyboard.press('Control+v');

      expect(await pasted()).toEqual([]);
      expect(await keys()).toEqual([`+${control}`, '+76', '-76', `-${control}`]);
    });

    it('takes ⌘ for Ctrl in shortcuts that everybody knows', async () => {
      const meta = 4;
      const cdp = await page.context().newCDPSession(page);
      const key = async (type: 'rawKeyDown' | 'keyUp', [name, code]: [string, string], modifiers = 0) =>
        cdp.send('Input.dispatchKeyEvent', { type, key: name, code, modifiers, location: 1 });
      await key('rawKeyDown', ['Meta', 'MetaLeft'], meta);
      await key('rawKeyDown', ['c', 'KeyC'], meta);
      await key('keyUp', ['Meta', 'MetaLeft']);

      expect(await copied()).toBe(1);
      expect(await keys()).toEqual(['+ffeb', '-ffeb', `+${control}`, '+63', '-63', `-${control}`]);
    });
  });

  it('lets everything up when the focus goes', async () => {
    await page.keyboard.down('x');
    await page.locator('button').focus();

    expect((await without('move')).at(-1)).toEqual({ kind: 'release-all' });
  });

  it('holds the mouse by its own keys, and then tells ways, px for px of the display', async () => {
    await page.mouse.move(300, 200);
    await page.keyboard.press('Control+Alt+KeyR');
    const isHeld = async (): Promise<boolean> => page.evaluate(() => document.pointerLockElement !== null);
    await expect.poll(isHeld).toBe(true);
    await page.evaluate(() => ((globalThis as unknown as InputPage).sent = []));
    for (let step = 1; step <= 5; step += 1) await page.mouse.move(300 + step * 10, 200 - step * 3);
    await page.mouse.down();
    await page.mouse.move(360, 180);
    await page.mouse.up();
    await page.mouse.wheel(0, 100);
    await expect.poll(async () => (await sent()).at(-1)?.kind).toBe('wheel');

    const events = (await sent()) as (Sent & { dx?: number; dy?: number })[];
    const kinds = events.map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['move-by', 'button', 'wheel']));
    const way = (until: number): number[] => [
      events.slice(0, until).reduce((sum, { dx = 0 }) => sum + dx, 0),
      events.slice(0, until).reduce((sum, { dy = 0 }) => sum + dy, 0),
    ];
    // The display has two px for one of the page; what was moved before a button is told before it.
    expect(way(kinds.indexOf('button'))).toEqual([100, -30]);
    expect(way(kinds.length)).toEqual([120, -40]);
    expect(events.filter(({ kind }) => kind !== 'move-by').map(({ x, y }) => [x, y])).toEqual(
      Array.from({ length: 3 }, () => [0xffff, 0xffff]),
    );

    await page.evaluate(() => document.exitPointerLock());
    await expect.poll(isHeld).toBe(false);
    await page.mouse.move(260, 140);
    await expect.poll(async () => (await sent()).at(-1)).toEqual({ kind: 'move', x: 320, y: 180 });
  });

  it('leads out of the picture by its own keys', async () => {
    await page.keyboard.press('Control+Alt+KeyM');

    expect(await page.evaluate(() => (globalThis as unknown as InputPage).left)).toBe(1);
    expect((await sent()).some(({ keysym }) => keysym === 0x6d)).toBe(false);
  });

  it('marks the image by its own keys, and presses none of the application’s', async () => {
    await page.keyboard.press('Control+Alt+KeyK');

    expect(await page.evaluate(() => (globalThis as unknown as InputPage).noted)).toBe(1);
    expect((await sent()).some(({ keysym }) => keysym === 0x6b)).toBe(false);
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

async function press(page: Page, key: { key: string; code: string; modifiers?: number }): Promise<void> {
  const cdp = await page.context().newCDPSession(page);
  for (const type of ['rawKeyDown', 'keyUp'] as const)
    await cdp.send('Input.dispatchKeyEvent', { type, ...key });
  await cdp.detach();
}

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
