import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from '@medusa/kernel/free-ports';
import { waitFor } from '../../../support/wait.ts';
import { startChild } from '../children.ts';
import type { Contender, ContenderOptions } from './contender.ts';
import { visit } from './visit.ts';

/** xpra with its own HTML5 client, as Debian packages it; only what has nothing to do with the picture is left out. */
export async function startXpra({ stage, size, address }: ContenderOptions): Promise<Contender> {
  await using starting = new AsyncDisposableStack();
  const home = await mkdtemp(path.join(tmpdir(), 'medusa-bench-xpra-'));
  starting.defer(async () => rm(home, { recursive: true, force: true }));
  const [port = 0] = await freePorts(1);
  const quoted = stage.command.map((word) => `"${word}"`).join(' ');
  const server = starting.use(
    await startChild(
      [
        ...(['xpra', 'start', '--daemon=no', '--html=on', `--bind-tcp=${address}:${port}`] as const),
        ...[`--start-child=${quoted}`, '--exit-with-children=yes', '--systemd-run=no', '--use-display=no'],
        `--xvfb=Xvfb +extension Composite -screen 0 ${size.width}x${size.height}x24 -nolisten tcp -noreset`,
        ...['--mdns=no', '--notifications=no', '--pulseaudio=no', '--speaker=off', '--microphone=off'],
        ...['--webcam=no', '--printing=no', '--file-transfer=off', '--dbus-proxy=no', '--dbus-launch='],
      ],
      { env: { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, TMPDIR: home } },
    ),
  );
  const url = `http://${address}:${port}/index.html?floating_menu=false&sound=false&clipboard=false`;
  await waitFor('xpra', async () => {
    if (server.process.exitCode !== null) throw new Error(`xpra ended: ${server.output()}`);
    const answer = await fetch(url).catch(() => undefined);
    return answer?.ok ? true : undefined;
  });
  const running = starting.move();
  return {
    caFile: null,
    pictureSelector: 'canvas',
    coverSelector: null,
    serverPids: () => [server.pid],
    async show(page) {
      // The client draws a frame around the window that must not push it off the page.
      await page.setViewportSize({ width: size.width + 40, height: size.height + 80 });
      const canvas = page.locator(`canvas[width="${size.width}"]`).first();
      await visit(page, url, async (timeout) => canvas.waitFor({ timeout }));
      await canvas.click();
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}
