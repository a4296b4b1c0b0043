import { launchBrowser } from '../../support/browser.ts';
import { descendantsOf, listProcesses } from '../../support/processes.ts';
import type { Size } from './content/gray.ts';
import type { Scene } from './content/scenes.ts';
import type { Contender, ContenderOptions } from './contenders/contender.ts';
import { startOurs } from './contenders/medusa.ts';
import { startNovnc } from './contenders/novnc.ts';
import { startXpra } from './contenders/xpra.ts';
import { measure, type Turn } from './measure.ts';
import { openViewerNetwork } from './network/viewer-network.ts';
import type { peerNames } from './options.ts';
import type { Random } from './random.ts';
import type { LinkName } from './relay/links.ts';
import { createStage } from './stage.ts';

export type ContenderName = 'ours' | (typeof peerNames)[number];

const contenders: Readonly<Record<ContenderName, (options: ContenderOptions) => Promise<Contender>>> = {
  ours: startOurs,
  novnc: startNovnc,
  xpra: startXpra,
};

/** With these it is measured too how fast a picture becomes good again. */
const narrowLinks = new Set<LinkName>(['5m', '1m']);

export type Course = {
  readonly scene: Scene;
  readonly size: Size;
  readonly link: LinkName;
  readonly presses: number;
  readonly random: Random;
  /** Of the link's losses: the same for all contenders. */
  readonly seed: number;
};

/** Starts everything anew for one contender, measures, and ends everything. An abort closes the browser: what waits for it ends. */
export async function runTurn(name: ContenderName, course: Course, signal: AbortSignal): Promise<Turn> {
  signal.throwIfAborted();
  await using stage = await createStage(course.scene);
  await using network = await openViewerNetwork(course.link, course.seed);
  await using contender = await contenders[name]({
    stage,
    size: course.size,
    address: network.serverAddress,
  });
  signal.throwIfAborted();
  await using browser = await launchBrowser(contender.caFile, {
    executable: network.chromium,
    handlesSignals: true,
  });
  const close = (): void => void browser.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    signal.throwIfAborted();
    const context = await browser.newContext({ viewport: course.size });
    // Pages too come over the link.
    context.setDefaultTimeout(180_000);
    const page = await context.newPage();
    await contender.show(page);
    const turn = await measure(page, {
      ...{ ...course, network, isNarrow: narrowLinks.has(course.link) },
      pictureSelector: contender.pictureSelector,
      coverSelector: contender.coverSelector,
      serverPids: () => contender.serverPids(),
      viewerPids: ownBrowsers,
    });
    return { ...turn, packets: await network.packets() };
  } finally {
    signal.removeEventListener('abort', close);
  }
}

/** Playwright does not tell the browser's process id; it is a child of ours. */
function ownBrowsers(): number[] {
  const own = new Set(descendantsOf(process.pid).map(({ pid }) => pid));
  return listProcesses()
    .filter(({ pid, parentPid, command }) => {
      return (
        own.has(pid) && parentPid === process.pid && /\/chromium .*--remote-debugging-pipe/.test(command)
      );
    })
    .map(({ pid }) => pid);
}
