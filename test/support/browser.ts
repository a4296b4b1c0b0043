import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, type Browser } from '@playwright/test';

/**
 * Debian's Chromium with a home of its own, in which the instance's authority is trusted: no certificate is waved through. `executable`
 * is a program that becomes Chromium, in another network for instance. Who handles signals itself wants Playwright not to end the process.
 */
export async function launchBrowser(
  caFile: string | null,
  options: { readonly executable?: string; readonly handlesSignals?: boolean } = {},
): Promise<Browser & AsyncDisposable> {
  const home = await mkdtemp(path.join(tmpdir(), 'medusa-browser-'));
  const database = path.join(home, '.pki/nssdb');
  await mkdir(database, { recursive: true });
  certutil(['-N', '-d', `sql:${database}`, '--empty-password']);
  if (caFile !== null) certutil(['-A', '-d', `sql:${database}`, '-n', 'Medusa', '-t', 'C,,', '-i', caFile]);
  const playwrightHandles = options.handlesSignals !== true;
  const browser = await chromium.launch({
    executablePath: options.executable ?? '/usr/bin/chromium',
    headless: true,
    handleSIGINT: playwrightHandles,
    handleSIGTERM: playwrightHandles,
    handleSIGHUP: playwrightHandles,
    env: { ...process.env, HOME: home },
    args: [
      // Chromium refuses its sandbox to root; the tests open nothing but our own pages.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ...[
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
      ],
      ...['--disable-sync', '--autoplay-policy=no-user-gesture-required'],
    ],
  });
  browser.on('disconnected', () => void rm(home, { recursive: true, force: true }));
  return Object.assign(browser, {
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await rm(home, { recursive: true, force: true });
    },
  });
}

function certutil(args: readonly string[]): void {
  const done = spawnSync('certutil', args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`certutil ${args.join(' ')}: ${done.stderr}`);
}
