import { ctFolder } from '../support/fixtures.ts';
import { launchBrowser } from '../support/browser.ts';
import { printResult, progress } from './report.ts';
import { readCtSeries } from './stream/content/ct-series.ts';
import type { Size } from './stream/content/gray.ts';
import { createScene, type Scene } from './stream/content/scenes.ts';
import { drawStillPage } from './stream/content/still-page.ts';
import { readOptions } from './stream/options.ts';
import { ensureDebianPackages } from './stream/packages.ts';
import { type ContenderName, runTurn } from './stream/race.ts';
import { seeded } from './stream/random.ts';
import type { LinkName } from './stream/relay/links.ts';
import { describeTurn, type Result, summarize } from './stream/summary.ts';

/**
 * A race between Medusa's streaming and what else shows a remote X11 program in a browser. All show the same program on a display of the
 * same size in the same browser, one at a time, in turns; the browser is alone in a network namespace, so that what crosses the wire is
 * counted. Key event → first picture with the answer handed to the compositor, by the clock of the viewer's page; different pictures a
 * second; processor time of both sides; what the picture is worth against the true one. All sides share this machine's cores.
 */
const options = readOptions(process.argv.slice(2));
if (process.getuid?.() !== 0)
  throw new Error('This benchmark makes network and mount namespaces: it needs root');
ensureDebianPackages([
  'iproute2',
  'tigervnc-standalone-server',
  'novnc',
  'websockify',
  'xpra',
  'xvfb',
  'socat',
]);

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopping.abort(new Error(signal)));

try {
  printResult({ bench: 'stream', ...summarize(await race()) });
} catch (error) {
  if (!stopping.signal.aborted) throw error;
  progress('stopped; everything that was started has ended');
  process.exitCode = 130;
}

async function race(): Promise<Result[]> {
  const names: readonly ContenderName[] = ['ours', ...options.peers];
  const { presses, rounds } = options;
  const scenes = await prepareScenes();
  const random = seeded(options.seed);
  const results: Result[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const { course, ...what } of scenes) {
      // Nobody always goes first, or right after the same other one.
      for (const name of names.map((_, index) => names[(index + round) % names.length] ?? 'ours')) {
        const seed = options.seed + round;
        const turn = await runTurn(name, { ...what, presses, random, seed }, stopping.signal);
        results.push({ course, name, turn });
        progress(`${round + 1}/${rounds} ${course} ${name}: ${describeTurn(turn)}`);
      }
    }
  }
  return results;
}

async function prepareScenes(): Promise<{ course: string; size: Size; scene: Scene; link: LinkName }[]> {
  progress('preparing the scenes');
  const series = readCtSeries(ctFolder);
  await using browser = await launchBrowser(null, { handlesSignals: true });
  const page = async (size: Size): Promise<Buffer> => drawStillPage(browser, size);
  const prepared = [];
  for (const name of options.scene)
    for (const size of options.size) {
      const scene = await createScene(name, size, { series, page });
      for (const link of options.link)
        prepared.push({ course: `${name}.${size.height}p.${link}`, size, scene, link });
    }
  return prepared;
}
