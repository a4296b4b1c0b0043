import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ParticipantId, participantIdSchema, type Transfer } from '@medusa/protocol';
import { chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Clipboard, VirtualDisplay } from '../display/index.ts';
import { InputInjector } from '../input/index.ts';
import { SessionTransfers } from './session-transfers.ts';

const report = (error: unknown): void => {
  throw error as Error;
};
const controlKeysym = 0xffe3;
const both = ['copy', 'paste'] as const;
const [steers, watches] = ['steers', 'watches'].map((name) => participantIdSchema.parse(name)) as [
  ParticipantId,
  ParticipantId,
];

/** A browser with a window on the display, as a workstation is one, and the hands of one person. */
describe('text between a display and the clipboard of who steers it', () => {
  const cleanup = new AsyncDisposableStack();
  let injector: InputInjector;
  let transfers: SessionTransfers;
  let page: Page;
  let sequence = 0;

  beforeAll(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'medusa-transfers-'));
    cleanup.defer(async () => rm(folder, { recursive: true, force: true }));
    const options = { size: { widthPx: 900, heightPx: 700 }, folder, uid: null, report };
    const display = cleanup.use(await VirtualDisplay.create(options, AbortSignal.timeout(20_000)));
    injector = cleanup.use(await InputInjector.open(display.address, report));
    transfers = new SessionTransfers(cleanup.use(await Clipboard.open(display.address, report)));
    const browser = await chromium.launch({
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
    transfers.setController(null);
    transfers.setController(steers);
    await page.locator('textarea').fill('');
    for (const isDown of [true, false])
      injector.inject({ kind: 'button', sequence: sequence++, x: 450, y: 400, button: 1, isDown });
    await expect.poll(async () => page.evaluate(() => document.hasFocus())).toBe(true);
  });

  const shortcut = (letter: string): void => {
    const key = (keysym: number, isDown: boolean): boolean =>
      injector.inject({ kind: 'key', sequence: sequence++, keysym, isDown });
    key(controlKeysym, true);
    for (const isDown of [true, false]) key(letter.charCodeAt(0), isDown);
    key(controlKeysym, false);
  };
  const asker = (
    allowed: readonly Transfer[] = both,
    participantId = steers,
    mostBytes = 65_536,
  ): Parameters<SessionTransfers['carryOut']>[0] => ({
    participantId,
    rights: { allowed: [...allowed], mostBytes },
  });
  const copy = async (who = asker()): Promise<unknown> => transfers.carryOut(who, { kind: 'copy' });
  const paste = async (text: string, who = asker()): Promise<unknown> =>
    transfers.carryOut(who, { kind: 'paste', text });
  const written = async (): Promise<string> => page.locator('textarea').inputValue();
  const copyAll = async (text: string): Promise<void> => {
    await page.locator('textarea').fill(text);
    shortcut('a');
    shortcut('c');
  };

  it('gives out what a program has just copied, and nothing when it copies nothing', async () => {
    await copyAll('Nodule, 7 mm, S2 – größer als 3/2026 日本');

    expect(await copy()).toEqual({ kind: 'copy', text: 'Nodule, 7 mm, S2 – größer als 3/2026 日本' });
    expect(await copy()).toEqual({ kind: 'copy', text: null });
  });

  it('gives a program what is pasted, as it is', async () => {
    expect(await paste('größer, 日本\nΩ')).toEqual({ kind: 'paste' });
    shortcut('v');

    await expect.poll(written).toBe('größer, 日本\nΩ');
  });

  it('takes the most that may be, both ways', async () => {
    const text = 'x'.repeat(65_535) + '.';
    await paste(text);
    shortcut('v');
    await expect.poll(written).toBe(text);

    shortcut('a');
    shortcut('c');
    expect(await copy()).toEqual({ kind: 'copy', text });
  });

  it('refuses more than may be, both ways', async () => {
    const tooLarge = expect.objectContaining({ code: 'transfer.too-large' }) as unknown;
    await expect(paste('ßß', asker(both, steers, 3))).rejects.toEqual(tooLarge);
    await copyAll('ßß');
    await expect(copy(asker(both, steers, 3))).rejects.toEqual(tooLarge);
    await page.locator('textarea').fill('y'.repeat(600_000));
    shortcut('a');
    shortcut('c');
    await expect(copy()).rejects.toEqual(tooLarge);
  });

  it('refuses what the rights do not name, and whoever does not steer', async () => {
    const refused = expect.objectContaining({ code: 'transfer.refused' }) as unknown;
    await copyAll('secret');

    await expect(copy(asker(['paste']))).rejects.toEqual(refused);
    await expect(paste('x', asker(['copy']))).rejects.toEqual(refused);
    await expect(copy(asker([]))).rejects.toEqual(refused);
    await expect(copy(asker(both, watches))).rejects.toEqual(refused);
    await expect(paste('x', asker(both, watches))).rejects.toEqual(refused);
  });

  it('keeps what one person brought along from the next one', async () => {
    await paste('of the first person');
    transfers.setController(watches);
    shortcut('v');
    // What is typed after it is written, so it has been done.
    for (const isDown of [true, false])
      injector.inject({ kind: 'key', sequence: sequence++, keysym: ':'.charCodeAt(0), isDown });
    await expect.poll(written).toBe(':');
    await paste('of the second', asker(both, watches));
    shortcut('v');

    await expect.poll(written).toBe(':of the second');
  });
});
