import { waitFor } from '../../../support/wait.ts';
import { freePorts } from '@medusa/kernel/free-ports';
import { readDisplayName, startChild } from '../children.ts';
import type { Contender, ContenderOptions } from './contender.ts';
import { visit } from './visit.ts';

/** TigerVNC's X server, websockify and noVNC, as Debian packages them and with what they do unasked. */
export async function startNovnc({ stage, size, address }: ContenderOptions): Promise<Contender> {
  await using starting = new AsyncDisposableStack();
  const [rfbPort = 0, webPort = 0] = await freePorts(2);
  const server = starting.use(
    await startChild([
      ...([
        'Xtigervnc',
        '-displayfd',
        '3',
        '-geometry',
        `${size.width}x${size.height}`,
        '-depth',
        '24',
      ] as const),
      ...['-SecurityTypes', 'None', '-localhost=1', '-rfbport', String(rfbPort), '-AlwaysShared', '-noreset'],
    ]),
  );
  const display = await readDisplayName(server);
  const gateway = starting.use(
    await startChild([
      ...([
        'websockify',
        '--web',
        '/usr/share/novnc',
        `${address}:${webPort}`,
        `127.0.0.1:${rfbPort}`,
      ] as const),
    ]),
  );
  const program = starting.use(
    await startChild(stage.command, { env: { ...process.env, DISPLAY: display } }),
  );
  const url = `http://${address}:${webPort}/vnc.html?autoconnect=1&resize=off&reconnect=1&reconnect_delay=1000`;
  await waitFor('websockify', async () => {
    const answer = await fetch(url).catch(() => undefined);
    return answer?.ok ? true : undefined;
  });
  const running = starting.move();
  return {
    caFile: null,
    pictureSelector: '#noVNC_container canvas',
    coverSelector: null,
    serverPids: () => [server.pid, gateway.pid, program.pid],
    async show(page) {
      await page.setViewportSize(size);
      const canvas = page.locator('#noVNC_container canvas');
      const isThere = async (): Promise<true | undefined> =>
        canvas
          .evaluate(({ width }: HTMLCanvasElement) => width)
          .then(
            (width) => (width === size.width ? true : undefined),
            () => undefined,
          );
      await visit(page, url, async (timeoutMs) => waitFor('the picture of noVNC', isThere, timeoutMs));
      await canvas.focus();
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}
