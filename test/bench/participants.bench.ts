import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { expect, type Browser, type Page } from '@playwright/test';
import { z } from 'zod';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import type { Medusa } from '../support/medusa.ts';
import { descendantsOf } from '../support/processes.ts';
import { enterPerson } from '../support/viewer-page.ts';
import { median, printResult, progress, quantile } from './report.ts';
import { readCtSeries } from './stream/content/ct-series.ts';
import { createScene, type Scene, sceneNames } from './stream/content/scenes.ts';
import { drawStillPage } from './stream/content/still-page.ts';
import { startOurs } from './stream/contenders/medusa.ts';
import { meterCpu } from './stream/cpu.ts';
import { pressOnce } from './stream/measure.ts';
import { openViewerNetwork, type ViewerNetwork } from './stream/network/viewer-network.ts';
import { ensureDebianPackages } from './stream/packages.ts';
import { installProbe, type Probe } from './stream/probe.ts';
import { type Random, seeded } from './stream/random.ts';
import { createStage } from './stream/stage.ts';

/**
 * Whether a slow participant slows the others: some viewers of one session, of whom one drives; the last of them sits at the end of a link of its own,
 * which is `lan` as that of the others or `1m`, in turns within the same session. Key event → first picture with the answer, by the clock of the
 * driver's page; what the others show in a second; what the slow one gets.
 */
const { values } = parseArgs({
  options: {
    scene: { type: 'string', multiple: true, default: ['static', 'ct6'] },
    viewers: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    presses: { type: 'string', default: '40' },
  },
});
const options = z
  .object({
    scene: z.array(z.enum(sceneNames)),
    viewers: z.coerce.number().int().min(2),
    rounds: z.coerce.number().int().positive(),
    presses: z.coerce.number().int().positive(),
  })
  .parse(values);
if (process.getuid?.() !== 0) throw new Error('This benchmark makes network namespaces: it needs root');
ensureDebianPackages(['iproute2', 'xvfb', 'socat']);

const links = ['lan', '1m'] as const;
type Link = (typeof links)[number];
const size = { width: 1_280, height: 720 };
/** Who only watches paints little; the picture is decoded as a whole all the same. A smaller screen is refused. */
const lean = { viewport: { width: 800, height: 500 }, screen: { width: 1_440, height: 900 } };
const settleMs = 8_000;
const pauseMs = { least: 180, most: 420 };
const statisticsSchema = z.object({
  framesPerSecond: z.number(),
  widthPx: z.number(),
  kbps: z.number(),
  roundTripMs: z.number().nullable(),
});
type Statistics = z.infer<typeof statisticsSchema>;
type Turn = {
  readonly link: Link;
  readonly latenciesMs: readonly number[];
  readonly lost: number;
  /** Of those on `lan` but the driver. */
  readonly othersFps: number;
  readonly last: Statistics & { readonly isReduced: boolean };
  /** Processors' worth of all that this benchmark started. */
  readonly cpu: number;
};

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopping.abort(new Error(signal)));
const turns = new Map<string, Turn[]>();
try {
  for (const name of options.scene) {
    progress(`participants: ${name}`);
    turns.set(name, await watchScene(await prepare(name), seeded(1)));
  }
  print();
} catch (error) {
  if (!stopping.signal.aborted) throw error;
  progress('stopped; everything that was started has ended');
  process.exitCode = 130;
}

async function prepare(name: (typeof sceneNames)[number]): Promise<Scene> {
  await using browser = await launchBrowser(null);
  const page = async (): Promise<Buffer> => drawStillPage(browser, size);
  return await createScene(name, size, { series: readCtSeries(ctFolder), page });
}

async function watchScene(scene: Scene, random: Random): Promise<Turn[]> {
  await using stage = await createStage(scene);
  // A wire of 100 Mbit/s for each of them, not for all together.
  await using network = await openViewerNetwork('cable', 1);
  await using ours = await startOurs({ stage, size, address: network.serverAddress });
  await using browser = await openBrowser(ours.caFile, network.chromium);
  const context = await browser.newContext({ viewport: size });
  context.setDefaultTimeout(120_000);
  const driver = await context.newPage();
  await ours.show(driver);
  const link = await invite(driver);
  const others: Page[] = [];
  const guests = await browser.newContext(lean);
  guests.setDefaultTimeout(120_000);
  while (others.length < options.viewers - 2) {
    others.push(await join(await guests.newPage(), ours.medusa, link));
    progress(`participants: ${others.length + 1} are there`);
  }
  await driver.bringToFront();
  const probe = await installProbe(driver, ours);
  const taken: Turn[] = [];
  await using beside = await openViewerNetwork('lan', 2, network);
  await using last = await openLast(beside, ours, link);
  for (let round = 0; round < options.rounds; round += 1)
    for (const name of round % 2 === 0 ? links : links.toReversed()) {
      beside.changeTo(name);
      const turn = await measure({ driver, probe, others, last: last.page, link: name }, random);
      taken.push(turn);
      progress(`participants: ${round + 1}/${options.rounds} ${name}: ${describe(turn)}`);
    }
  return taken;
}

/** An abort closes it: what waits for it ends. */
async function openBrowser(caFile: string | null, executable: string): Promise<Browser & AsyncDisposable> {
  stopping.signal.throwIfAborted();
  const browser = await launchBrowser(caFile, { executable, handlesSignals: true });
  stopping.signal.addEventListener('abort', () => void browser.close(), { once: true });
  return browser;
}

/** The link by which others come; the display has its size again afterwards. */
async function invite(driver: Page): Promise<string> {
  await driver.getByTestId('room-toggle').click();
  await driver.getByTestId('invite-button').click();
  const link = (await driver.getByTestId('room-link').inputValue()).trim();
  await driver.getByTestId('room-toggle').click();
  await expect.poll(async () => (await statisticsOf(driver))?.widthPx, { timeout: 30_000 }).toBe(size.width);
  await driver.getByTestId('stream-video').click();
  return new URL(link).pathname;
}

async function join(page: Page, medusa: Medusa, link: string): Promise<Page> {
  const person = await enterPerson(page, medusa, link);
  const login = page.locator('input[name="username"]');
  const check = page.getByTestId('device-continue');
  await login.or(check).or(person.video).first().waitFor();
  if (await login.isVisible()) await person.logIn('doctor');
  await check.or(person.video).first().waitFor();
  if (!(await person.video.isVisible())) await person.passDeviceCheck();
  await expect(person.video).toBeVisible({ timeout: 120_000 });
  await expect.poll(async () => statisticsOf(page), { timeout: 60_000 }).toBeTruthy();
  return page;
}

async function openLast(
  beside: ViewerNetwork,
  ours: { readonly caFile: string | null; readonly medusa: Medusa },
  link: string,
): Promise<AsyncDisposable & { readonly page: Page }> {
  const browser = await openBrowser(ours.caFile, beside.chromium);
  const context = await browser.newContext(lean);
  context.setDefaultTimeout(180_000);
  const page = await join(await context.newPage(), ours.medusa, link);
  return { page, [Symbol.asyncDispose]: async () => browser[Symbol.asyncDispose]() };
}

type Parts = {
  readonly driver: Page;
  readonly probe: Probe;
  readonly others: readonly Page[];
  readonly last: Page;
  readonly link: Link;
};

async function measure({ driver, probe, others, last, link }: Parts, random: Random): Promise<Turn> {
  if (link === 'lan') await expect(last.getByTestId('picture-reduced')).toBeHidden({ timeout: 90_000 });
  await sleep(settleMs);
  const cpu = meterCpu(() => [process.pid]);
  const startedAt = performance.now();
  const latenciesMs: number[] = [];
  const seen: { others: number[]; last: Statistics[] } = { others: [], last: [] };
  for (let press = 0; press < options.presses; press += 1) {
    const latencyMs = await pressOnce(driver, probe);
    if (latencyMs !== undefined) latenciesMs.push(latencyMs);
    await sleep(pauseMs.least + random() * (pauseMs.most - pauseMs.least));
    if (press % 5 !== 4) continue;
    for (const page of others) seen.others.push((await statisticsOf(page))?.framesPerSecond ?? 0);
    const got = await statisticsOf(last);
    if (got) seen.last.push(got);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const of = (pick: (statistics: Statistics) => number | null): number =>
    median(seen.last.flatMap((one) => pick(one) ?? []));
  return {
    ...{ link, latenciesMs, lost: options.presses - latenciesMs.length },
    othersFps: median(seen.others),
    last: {
      framesPerSecond: of(({ framesPerSecond }) => framesPerSecond),
      widthPx: of(({ widthPx }) => widthPx),
      kbps: of(({ kbps }) => kbps),
      roundTripMs: of(({ roundTripMs }) => roundTripMs),
      isReduced: await last.getByTestId('picture-reduced').isVisible(),
    },
    cpu: cpu.take() / seconds,
  };
}

async function statisticsOf(page: Page): Promise<Statistics | undefined> {
  const told: unknown = await page.evaluate('window.medusaViewer?.statistics ?? null');
  const parsed = statisticsSchema.safeParse(told);
  return parsed.success && parsed.data.widthPx > 0 ? parsed.data : undefined;
}

function describe({ latenciesMs, lost, othersFps, last, cpu }: Turn): string {
  const [p50, p95] = [quantile(latenciesMs, 0.5), quantile(latenciesMs, 0.95)].map(Math.round);
  const got = `${last.widthPx} px, ${last.framesPerSecond} fps, ${Math.round(last.kbps)} kb/s, RTT ${Math.round(last.roundTripMs ?? 0)} ms`;
  return `p50 ${p50} p95 ${p95} ms, lost ${lost}, others ${othersFps} fps; the last one ${got}${last.isReduced ? ', reduced' : ''}; ${cpu.toFixed(2)} CPUs, ${descendantsOf(process.pid).length} processes`;
}

function print(): void {
  const medians: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const results: Record<string, unknown> = {};
  for (const [scene, taken] of turns) {
    for (const link of links) {
      const own = taken.filter((turn) => turn.link === link);
      const all = own.flatMap(({ latenciesMs }) => latenciesMs);
      medians[`${scene}.${link}.p50Ms`] = quantile(all, 0.5);
      medians[`${scene}.${link}.p95Ms`] = quantile(all, 0.95);
      medians[`${scene}.${link}.othersFps`] = median(own.map(({ othersFps }) => othersFps));
      medians[`${scene}.${link}.lastFps`] = median(own.map(({ last }) => last.framesPerSecond));
      medians[`${scene}.${link}.lastKbps`] = median(own.map(({ last }) => last.kbps));
      medians[`${scene}.${link}.lastWidthPx`] = median(own.map(({ last }) => last.widthPx));
      medians[`${scene}.${link}.cpu`] = median(own.map(({ cpu }) => cpu));
      results[`${scene}.${link}.lost`] = own.reduce((sum, { lost }) => sum + lost, 0);
      results[`${scene}.${link}.reduced`] = own.map(({ last }) => last.isReduced);
    }
    ratios[`${scene}.p95WithSlowOne`] =
      (medians[`${scene}.1m.p95Ms`] ?? Number.NaN) / (medians[`${scene}.lan.p95Ms`] ?? Number.NaN);
  }
  const n = [...turns.values()].flat().reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0);
  printResult({ bench: 'participants', medians, ratios, n, results });
}
