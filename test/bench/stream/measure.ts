import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from '@playwright/test';
import { waitFor } from '../../support/wait.ts';
import { median } from '../report.ts';
import type { Scene } from './content/scenes.ts';
import { meterCpu } from './cpu.ts';
import type { ViewerNetwork } from './network/viewer-network.ts';
import { installProbe, type Probe } from './probe.ts';
import { judgePicture, type Quality } from './quality.ts';
import type { Random } from './random.ts';
import type { RelayReport } from './relay/request.ts';

/** What one turn of one contender gave. */
export type Turn = {
  readonly latenciesMs: readonly number[];
  readonly lost: number;
  readonly distinctPerSecond: number;
  /** The longest time without a new picture, ms; of a scene that moves. */
  readonly longestFreezeMs: number | undefined;
  /** Processors' worth. */
  readonly serverCpu: number;
  readonly viewerCpu: number;
  readonly downMbps: number;
  readonly upMbps: number;
  readonly moving: Quality | undefined;
  /** 1 s after the last change. */
  readonly still: Quality | undefined;
  /** After 10 s more. */
  readonly rested: Quality | undefined;
  /** Meanwhile, while nobody does anything. */
  readonly rest: { readonly serverCpu: number; readonly viewerCpu: number; readonly kbps: number };
  /** Seconds from the moment at which a narrow link becomes a LAN until pictures in motion are as good as they get there. */
  readonly recoverySeconds: number | undefined;
  /** Null: no emulated link. */
  readonly packets: RelayReport | null;
};

export type Scenery = {
  readonly scene: Scene;
  readonly pictureSelector: string;
  readonly coverSelector: string | null;
  readonly network: ViewerNetwork;
  /** The link is narrower than the scene in motion. */
  readonly isNarrow: boolean;
  readonly presses: number;
  readonly random: Random;
  readonly serverPids: () => readonly number[];
  readonly viewerPids: () => readonly number[];
};

/** An answer that takes longer is lost. */
const answerMs = 3_000;
/** Presses come at no fixed rate, or they would keep step with the scene's pictures. */
const pauseMs = { least: 180, most: 420 };
const warmUpPresses = 3;
const mostWarmUpPresses = 10;
const judgedPictures = 5;
const stillMs = 1_000;
const restMs = 10_000;
const narrowMs = 8_000;
const recoveryMs = 12_000;
const lookMs = 150;
/** Pictures of one scene differ by as much in one quality. */
const asGood = 0.004;

/** The page shows the picture and has the keyboard. */
export async function measure(page: Page, scenery: Scenery): Promise<Omit<Turn, 'packets'>> {
  const probe = await installProbe(page, scenery);
  await warmUp(page, probe);
  await probe.forget();
  const [server, viewer] = [meterCpu(scenery.serverPids), meterCpu(scenery.viewerPids)];
  const [before, bytesBefore] = [await probe.observe(), await scenery.network.bytes()];
  const latenciesMs: number[] = [];
  for (let press = 0; press < scenery.presses; press += 1) {
    const latencyMs = await pressOnce(page, probe);
    if (latencyMs !== undefined) latenciesMs.push(latencyMs);
    await sleep(pauseMs.least + scenery.random() * (pauseMs.most - pauseMs.least));
  }
  const [after, bytesAfter] = [await probe.observe(), await scenery.network.bytes()];
  const seconds = (after.nowMs - before.nowMs) / 1_000;
  const figures = { serverCpu: server.take() / seconds, viewerCpu: viewer.take() / seconds };
  if (after.fault !== null) throw new Error(`The picture could not be read: ${after.fault}`);

  const mbps = (bytes: number): number => (bytes * 8) / 1e6 / seconds;
  const { isMoving } = scenery.scene;
  return {
    latenciesMs,
    longestFreezeMs: isMoving ? after.longestMs : undefined,
    lost: scenery.presses - latenciesMs.length,
    distinctPerSecond: (after.distinct - before.distinct) / seconds,
    ...figures,
    downMbps: mbps(bytesAfter.toViewer - bytesBefore.toViewer),
    upMbps: mbps(bytesAfter.fromViewer - bytesBefore.fromViewer),
    moving: isMoving ? await judgeMoving(probe, scenery) : undefined,
    still: await judgeStill(page, probe, scenery.scene),
    rest: await judgeRest(scenery),
    rested: await judgePicture(probe, scenery.scene),
    recoverySeconds: isMoving && scenery.isNarrow ? await judgeRecovery(page, probe, scenery) : undefined,
  };
}

/** The way in may open later than the way out: the race begins when inputs are answered. */
async function warmUp(page: Page, probe: Probe): Promise<void> {
  let answered = 0;
  for (let press = 0; press < mostWarmUpPresses && answered < warmUpPresses; press += 1)
    if ((await pressOnce(page, probe)) !== undefined) answered += 1;
  if (answered < warmUpPresses) throw new Error('Inputs are not answered');
}

/** ms from the key event to the first picture with the other marker, or undefined: it did not come in time. */
export async function pressOnce(page: Page, probe: Probe): Promise<number | undefined> {
  const before = await probe.observe();
  await page.keyboard.press('a');
  return waitFor(
    'the answer',
    async () => {
      const { inputs, flips } = await probe.observe();
      const input = inputs[before.inputs.length];
      // A late answer to the press before is none to this one.
      const flip = input === undefined ? undefined : flips.find((atMs) => atMs >= input);
      return input === undefined || flip === undefined ? undefined : flip - input;
    },
    answerMs,
  ).catch((error: unknown) => {
    if (page.isClosed()) throw error;
    return undefined;
  });
}

async function judgeMoving(probe: Probe, { scene, random }: Scenery): Promise<Quality | undefined> {
  const judged: Quality[] = [];
  for (let picture = 0; picture < judgedPictures; picture += 1) {
    await sleep(200 + random() * 100);
    const quality = await judgePicture(probe, scene);
    if (quality) judged.push(quality);
  }
  if (judged.length === 0) return undefined;
  return {
    psnrDb: median(judged.map(({ psnrDb }) => psnrDb)),
    ssim: median(judged.map(({ ssim }) => ssim)),
  };
}

async function judgeStill(page: Page, probe: Probe, scene: Scene): Promise<Quality | undefined> {
  if (scene.isMoving) await page.keyboard.press(' ');
  await waitFor('a picture at rest', async () => {
    const { nowMs, changedAtMs, flips } = await probe.observe();
    return nowMs - Math.max(changedAtMs, flips.at(-1) ?? 0) >= stillMs ? true : undefined;
  });
  return judgePicture(probe, scene);
}

async function judgeRecovery(page: Page, probe: Probe, { scene, network }: Scenery): Promise<number> {
  await page.keyboard.press(' ');
  await sleep(narrowMs);
  network.changeTo('lan');
  const beganMs = performance.now();
  const seen: { readonly atMs: number; readonly ssim: number }[] = [];
  while (performance.now() - beganMs < recoveryMs) {
    const atMs = performance.now() - beganMs;
    const quality = await judgePicture(probe, scene);
    if (quality) seen.push({ atMs, ssim: quality.ssim });
    await sleep(lookMs);
  }
  const late = seen.filter(({ atMs }) => atMs > recoveryMs / 2).map(({ ssim }) => ssim);
  const full = median(late) - asGood;
  const lastWorse = seen.findLast(({ atMs, ssim }) => atMs <= recoveryMs / 2 && ssim < full);
  return (seen.find(({ atMs }) => atMs > (lastWorse?.atMs ?? -1))?.atMs ?? Number.NaN) / 1_000;
}

async function judgeRest({ network, ...scenery }: Scenery): Promise<Turn['rest']> {
  const [server, viewer] = [meterCpu(scenery.serverPids), meterCpu(scenery.viewerPids)];
  const before = await network.bytes();
  const beganMs = performance.now();
  await sleep(restMs);
  const after = await network.bytes();
  const tookMs = performance.now() - beganMs;
  const bytes = after.toViewer - before.toViewer + after.fromViewer - before.fromViewer;
  return {
    serverCpu: server.take() / (tookMs / 1_000),
    viewerCpu: viewer.take() / (tookMs / 1_000),
    kbps: (bytes * 8) / tookMs,
  };
}
