import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fitSize, VirtualDisplay, XConnection } from './index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'medusa-display-'));
});
afterEach(async () => rm(folder, { recursive: true }));

const report = (error: unknown): void => {
  throw error as Error;
};
const open = async (signal = AbortSignal.timeout(20_000)): Promise<VirtualDisplay> =>
  VirtualDisplay.create({ size: { widthPx: 1280, heightPx: 720 }, folder, uid: null, report }, signal);

describe('VirtualDisplay', () => {
  it('lets in who has the cookie, and nobody else', async () => {
    await using display = await open();
    const stranger = { ...display.address, cookie: Buffer.alloc(16) };

    await using friend = await XConnection.open(display.address, { report });

    expect(friend.root).toBeGreaterThan(0);
    expect((await stat(display.xauthorityFile)).mode & 0o777).toBe(0o600);
    await expect(XConnection.open(stranger, { report: () => undefined })).rejects.toThrow();
  });

  it('has the size asked for, smaller and larger again', async () => {
    await using display = await open();
    await using client = await XConnection.open(display.address, { report });
    const geometry = promisify(client.client.GetGeometry.bind(client.client));
    expect(await geometry(client.root)).toMatchObject({ width: 1280, height: 720 });

    await display.resize({ widthPx: 800, heightPx: 600 });
    expect(await geometry(client.root)).toMatchObject({ width: 800, height: 600 });
    await display.resize({ widthPx: 1920, heightPx: 1080 });
    expect(await geometry(client.root)).toMatchObject({ width: 1920, height: 1080 });
    await display.resize({ widthPx: 800, heightPx: 600 });
    expect(await geometry(client.root)).toMatchObject({ width: 800, height: 600 });
  });

  it('leaves no server, socket or cookie behind', async () => {
    const display = await open();
    const closed: string[] = [];
    display.events.on('closed', (reason) => closed.push(reason));
    expect(existsSync(display.socketFile)).toBe(true);

    await Promise.all([display.close(), display.close('crashed')]);

    expect(closed).toEqual(['requested']);
    expect(existsSync(display.socketFile)).toBe(false);
    expect(existsSync(display.xauthorityFile)).toBe(false);
    await expect(display.resize({ widthPx: 640, heightPx: 480 })).rejects.toThrow('closed');
  });

  it.runIf(process.getuid?.() === 0)('does not start when its server could not read the cookie', async () => {
    const options = { size: { widthPx: 640, heightPx: 480 }, folder, uid: 61_999, report };
    // The folder is ours alone: the server's user cannot pass.
    await expect(VirtualDisplay.create(options, AbortSignal.timeout(20_000))).rejects.toThrow('cookie');
  });

  it('leaves nothing behind when its start is aborted', async () => {
    await expect(open(AbortSignal.abort())).rejects.toThrow('did not start');
    expect(existsSync(path.join(folder, 'xauthority'))).toBe(false);
  });
});

describe('fitSize', () => {
  it('gives even sizes within the limits', () => {
    expect(fitSize({ widthPx: 1281, heightPx: 721 })).toEqual({ widthPx: 1280, heightPx: 720 });
    expect(fitSize({ widthPx: 9999, heightPx: 1 })).toEqual({ widthPx: 3840, heightPx: 240 });
  });
});
