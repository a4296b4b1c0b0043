import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { descendantsOf } from '../support/processes.ts';
import { median, printResult, progress, quantile } from './report.ts';
import { startOurs } from './stream/contenders/medusa.ts';
import { readCtSeries } from './stream/content/ct-series.ts';
import { createScene } from './stream/content/scenes.ts';
import { pressOnce } from './stream/measure.ts';
import { openViewerNetwork } from './stream/network/viewer-network.ts';
import { installProbe } from './stream/probe.ts';
import { seeded } from './stream/random.ts';
import { createStage } from './stream/stage.ts';

/**
 * One session for a long time, with input: memory and processes of the render node's tree, and input → photon, by windows. What the first
 * window costs is the base: caches fill, and programs are compiled.
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, window: { type: 'string', default: '10' } },
});
const { minutes, window: windowMinutes } = z
  .object({ minutes: z.coerce.number().positive(), window: z.coerce.number().positive() })
  .parse(values);
if (process.getuid?.() !== 0) throw new Error('This benchmark makes network namespaces: it needs root');

const size = { width: 1_280, height: 720 };
const random = seeded(1);
/** The scene moves for a while and rests for a while, as a reader does. */
const phaseMs = 10_000;
const pauseMs = { least: 180, most: 420 };

type Window = {
  readonly latenciesMs: number[];
  lost: number;
  readonly memoryMiB: number[];
  readonly processes: number[];
};

await using network = await openViewerNetwork('cable', 1);
const scene = await createScene('ct30', size, {
  series: readCtSeries(ctFolder),
  page: async () => Promise.reject(new Error('This scene shows no page')),
});
await using stage = await createStage(scene);
await using ours = await startOurs({ stage, size, address: network.serverAddress });
await using browser = await launchBrowser(ours.caFile, { executable: network.chromium });
const page = await (await browser.newContext({ viewport: size })).newPage();
await ours.show(page);
const probe = await installProbe(page, ours);

const windows: Window[] = [];
const beganMs = performance.now();
let turnedAtMs = beganMs;
let sampledAtMs = -Infinity;
while (performance.now() - beganMs < minutes * 60_000) {
  const now = performance.now();
  const index = Math.floor((now - beganMs) / (windowMinutes * 60_000));
  const window = (windows[index] ??= { latenciesMs: [], lost: 0, memoryMiB: [], processes: [] });
  if (now - turnedAtMs > phaseMs) {
    turnedAtMs = now;
    await page.keyboard.press(' ');
  }
  if (now - sampledAtMs > phaseMs) {
    sampledAtMs = now;
    const pids = ours.serverPids().flatMap((pid) => [pid, ...descendantsOf(pid).map((child) => child.pid)]);
    window.memoryMiB.push(pids.reduce((sum, pid) => sum + memoryMiBOf(pid), 0));
    window.processes.push(pids.length);
  }
  const latencyMs = await pressOnce(page, probe);
  if (latencyMs === undefined) window.lost += 1;
  else window.latenciesMs.push(latencyMs);
  // What was seen is not read again and again.
  if (window.latenciesMs.length % 200 === 0) {
    await probe.forget();
    progress(`soak: ${Math.round((now - beganMs) / 60_000)} of ${minutes} min, ${describe(window)}`);
  }
  await sleep(pauseMs.least + random() * (pauseMs.most - pauseMs.least));
}

const [first, last] = [windows[0], windows.at(-1)];
if (!first || !last) throw new Error('There was no time to look');
const figures = { first: figuresOf(first), last: figuresOf(last) };
printResult({
  bench: 'soak',
  medians: {
    firstP95Ms: figures.first.p95Ms,
    lastP95Ms: figures.last.p95Ms,
    firstMemoryMiB: figures.first.memoryMiB,
    lastMemoryMiB: figures.last.memoryMiB,
    firstProcesses: figures.first.processes,
    lastProcesses: figures.last.processes,
  },
  ratios: {
    p95: figures.last.p95Ms / figures.first.p95Ms,
    memory: figures.last.memoryMiB / figures.first.memoryMiB,
  },
  n: windows.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0),
  results: {
    minutes,
    lost: windows.reduce((sum, { lost }) => sum + lost, 0),
    windows: windows.map((window) => describe(window)),
  },
});

function figuresOf({ latenciesMs, memoryMiB, processes }: Window): {
  p50Ms: number;
  p95Ms: number;
  memoryMiB: number;
  processes: number;
} {
  return {
    p50Ms: median(latenciesMs),
    p95Ms: quantile(latenciesMs, 0.95),
    memoryMiB: median(memoryMiB),
    processes: median(processes),
  };
}

function describe(window: Window): string {
  return Object.entries(figuresOf(window))
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(', ');
}

/** Proportional: what processes share counts once. proc(5), smaps_rollup. */
function memoryMiBOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1_024;
  } catch {
    return 0; // It ended while we looked.
  }
}
