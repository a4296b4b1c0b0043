import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { expect, type Page } from '@playwright/test';
import { z } from 'zod';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { startMedusa } from '../support/medusa.ts';
import { openPerson } from '../support/viewer-page.ts';
import { median, printResult, progress, quantile } from './report.ts';
import { openViewerNetwork } from './stream/network/viewer-network.ts';
import { emulatedLinkNames } from './stream/relay/links.ts';

/**
 * The ways of the picture beside each other in the same session, in turns, over one link: the wheel at rest (input → first picture with the
 * answer, as the viewer itself measures it) and turned without pause (pictures a second). The whole product and the browser share this
 * machine's cores.
 */
const { values } = parseArgs({
  options: {
    link: { type: 'string', default: 'lan' },
    rounds: { type: 'string', default: '3' },
    presses: { type: 'string', default: '20' },
  },
});
const options = z
  .object({
    link: z.enum(emulatedLinkNames),
    rounds: z.coerce.number().int().positive(),
    presses: z.coerce.number().int().positive(),
  })
  .parse(values);
if (process.getuid?.() !== 0) throw new Error('This benchmark makes a network namespace: it needs root');

const ways = ['media', 'webcodecs', 'mse'] as const;
const execute = promisify(execFile);
const probeSchema = z.object({
  samples: z.array(z.object({ totalMs: z.number() })),
  statistics: z.object({ transport: z.enum(ways), framesPerSecond: z.number(), kbps: z.number() }).nullable(),
});
const turning = { seconds: 8, everyMs: 60 } as const;

await using network = await openViewerNetwork('lan', 1);
await using medusa = await startMedusa({ bind: network.serverAddress });
const files = (await readdir(ctFolder)).filter((name) => name.endsWith('.dcm'));
const peer = ['-aet', 'HOSPITAL', '-aec', 'MEDUSA', network.serverAddress, String(medusa.dicomPort)];
await execute('storescu', ['-xt', ...peer, ...files.map((name) => path.join(ctFolder, name))]);
await using browser = await launchBrowser(medusa.caFile, { executable: network.chromium });
const person = await openPerson(browser, medusa);
const { page } = person;
await person.logIn('radiologist');
await person.openFirstStudy();
const address = new URL(page.url());

type Seen = {
  readonly restMs: number[];
  readonly movingMs: number[];
  readonly fps: number[];
  readonly kbps: number[];
};
const seen = Object.fromEntries(
  ways.map((way): [string, Seen] => [way, { restMs: [], movingMs: [], fps: [], kbps: [] }]),
);
for (let round = 0; round < options.rounds; round += 1)
  for (const way of ways) {
    const got = seen[way];
    if (!got) continue;
    // The page itself is no part of what is measured.
    network.changeTo('lan');
    address.searchParams.set('transport', way);
    await page.goto(address.href);
    await expect(page.getByTestId('transport-value')).toHaveAttribute('data-transport', way, {
      timeout: 60_000,
    });
    const point = await person.pointOf(640, 400);
    await page.mouse.move(point.x, point.y);
    network.changeTo(options.link);
    await measure(got);
    progress(
      `${options.link} ${way} ${round + 1}/${options.rounds}: at rest ${median(got.restMs).toFixed(0)} ms, moving ${median(got.movingMs).toFixed(0)} ms, ${median(got.fps).toFixed(0)} fps`,
    );
  }
const figures = Object.entries(seen).flatMap(([way, got]): [string, number][] => [
  [`${way}_rest_p50_ms`, median(got.restMs)],
  [`${way}_rest_p95_ms`, quantile(got.restMs, 0.95)],
  [`${way}_moving_p50_ms`, median(got.movingMs)],
  [`${way}_moving_p95_ms`, quantile(got.movingMs, 0.95)],
  [`${way}_fps`, median(got.fps)],
  [`${way}_kbps`, median(got.kbps)],
]);
const restOf = (way: string): number => median(seen[way]?.restMs ?? []);
printResult({
  bench: 'transports',
  medians: Object.fromEntries(figures),
  ratios: {
    webcodecs_to_media: restOf('webcodecs') / restOf('media'),
    mse_to_media: restOf('mse') / restOf('media'),
  },
  n: seen['media']?.restMs.length ?? 0,
  results: { link: options.link },
});

async function measure({ restMs, movingMs, fps, kbps }: Seen): Promise<void> {
  const atRest = async (): Promise<unknown> =>
    expect(page.getByTestId('picture-state')).toHaveAttribute('data-state', /verified|lossy/, {
      timeout: 20_000,
    });
  await atRest();
  let told = (await probe(page)).samples.length;
  for (let press = 0; press < options.presses; press += 1) {
    await page.mouse.wheel(0, press % 2 === 0 ? 100 : -100);
    await expect
      .poll(async () => (await probe(page)).samples.length, { timeout: 10_000 })
      .toBeGreaterThan(told);
    const { samples } = await probe(page);
    restMs.push(...samples.slice(told).map(({ totalMs }) => totalMs));
    told = samples.length;
    await atRest();
  }
  const endMs = performance.now() + turning.seconds * 1_000;
  for (let turn = 0; performance.now() < endMs; turn += 1) {
    await page.mouse.wheel(0, turn % 40 < 20 ? 100 : -100);
    await sleep(turning.everyMs);
    const { statistics } = await probe(page);
    if (turn % 15 !== 14 || !statistics) continue;
    fps.push(statistics.framesPerSecond);
    kbps.push(statistics.kbps);
  }
  movingMs.push(...(await probe(page)).samples.slice(told).map(({ totalMs }) => totalMs));
}

async function probe(of: Page): Promise<z.infer<typeof probeSchema>> {
  const found: unknown = await of.evaluate(() => {
    const { medusaViewer } = globalThis as unknown as {
      medusaViewer?: { latencySamples: readonly { totalMs: number }[]; statistics: unknown };
    };
    return {
      samples: medusaViewer?.latencySamples.map(({ totalMs }) => ({ totalMs })) ?? [],
      statistics: medusaViewer?.statistics ?? null,
    };
  });
  return probeSchema.parse(found);
}
