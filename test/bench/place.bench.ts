import { parseArgs } from 'node:util';
import {
  assignTogether,
  candidateOf,
  openSolver,
  planPlacement,
  testGpu,
  type Candidate,
  type PlacementNeed,
} from '@medusa/broker/support/bench';
import { median, printResult, progress, quantile } from './report.ts';

/**
 * Placement decisions on one core: each over all nodes of ten providers, with conditions on all eight attributes of the GPU, on
 * jurisdiction, security and price, and with measured paths. Then many sessions at once, against the optimum that a solver finds.
 */
const { values: options } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    decisions: { type: 'string', default: '20000' },
    cases: { type: 'string', default: '50' },
  },
});
const providers = 10;

/** Deterministic, so that two runs decide the same. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

function fleet(count: number, random: () => number): Candidate[] {
  const models = ['L4', 'A10', 'T4', 'RTX 4000'] as const;
  return Array.from({ length: count }, (_, index) => {
    const provider = index % providers;
    const hasGpu = random() < 0.7;
    return candidateOf(`node-${index}`, {
      state: random() < 0.95 ? 'ready' : 'draining',
      slots: 8,
      usedSlots: Math.floor(random() * 9),
      cpus: 16,
      load1: random() * 16,
      rendering: hasGpu ? 'webgl' : 'cpu',
      encoders: hasGpu ? ['h264_nvenc', 'libx264'] : ['libx264'],
      gpu: hasGpu
        ? {
            ...testGpu,
            model: models[Math.floor(random() * 4)] ?? 'L4',
            memoryMiB: 8_000 * (1 + Math.floor(random() * 4)),
            encoderSessions: 2 + Math.floor(random() * 8),
            driverMajor: 535 + Math.floor(random() * 20),
          }
        : null,
      provider: `provider-${provider}`,
      zone: `zone-${provider}`,
      jurisdiction: provider < 7 ? 'EU' : 'US',
      security: provider < 8 ? ['iso27001', 'hds'] : ['iso27001'],
      pricePerHour: 0.2 + random(),
      watts: 20 + random() * 60,
      opinion: random(),
      host: `10.0.${index % 250}.1`,
    });
  });
}

function needs(count: number, random: () => number): PlacementNeed[] {
  return Array.from({ length: count }, () => {
    const paths = new Map(
      Array.from({ length: providers }, (_, zone) => {
        const kbps = 10_000 + random() * 900_000;
        const rttMs = 1 + random() * 60;
        const path = {
          kbps: { typical: kbps, cautious: kbps / 2 },
          rttMs: { typical: rttMs, cautious: rttMs * 2 },
        };
        return [`zone-${zone}`, { data: path, user: path }] as const;
      }),
    );
    return {
      applicationId: 'workstation',
      storageHost: `10.0.${Math.floor(random() * 250)}.1`,
      architectures: ['x64'],
      encoders: ['h264_nvenc', 'libx264'],
      jurisdictions: ['EU'],
      security: ['iso27001', 'hds'],
      mostPricePerHour: 1.1,
      gpu: [
        { attribute: 'vendor', equals: 'nvidia' },
        { attribute: 'architecture', equals: 'ada' },
        { attribute: 'partition', equals: '' },
        { attribute: 'graphics', equals: true },
        { attribute: 'memoryMiB', atLeast: 8_000 * (1 + Math.floor(random() * 3)) },
        { attribute: 'encoderSessions', atLeast: 2 },
        { attribute: 'driverMajor', atLeast: 536 },
        { attribute: 'model', equals: random() < 0.5 ? 'L4' : 'A10' },
      ],
      firstBytes: 1e6 + random() * 100e6,
      paths,
    };
  });
}

/** ms of each decision. */
function decide(nodes: number, decisions: number): { times: number[]; placed: number } {
  const random = sequence(nodes);
  const candidates = fleet(nodes, random);
  const asked = needs(200, random);
  const times: number[] = [];
  let placed = 0;
  for (let number = -Math.ceil(decisions / 10); number < decisions; number += 1) {
    const need = asked[Math.abs(number) % asked.length];
    if (!need) throw new Error('There is nothing to decide');
    const startedAt = performance.now();
    const answer = planPlacement(need, candidates);
    // The first tenth is for the compiler.
    if (number >= 0) times.push(performance.now() - startedAt);
    if (number >= 0 && answer.kind === 'placed') placed += 1;
  }
  return { times, placed };
}

/** How near to the optimum 40 sessions at once come, and how long it takes. The optimum has one variable for each session and node. */
async function together(cases: number): Promise<{ worst: number; times: number[] }> {
  const solver = await openSolver();
  const times: number[] = [];
  let worst = 1;
  for (let number = 0; number < cases; number += 1) {
    const random = sequence(number + 1);
    // One slot each: then a session's score of a node does not hang on the others.
    const candidates = fleet(60, random).map((node) => ({ ...node, slots: 1, usedSlots: 0 }));
    const asked = needs(40, random).map((need) => ({ ...need, mostPricePerHour: 2, gpu: [] }));
    const scores = asked.map((need) => {
      const row = candidates.map((node) => {
        const answer = planPlacement(need, [node]);
        return answer.kind === 'placed' ? (answer.placement.considered[0]?.score ?? null) : null;
      });
      return row;
    });
    const startedAt = performance.now();
    const assigned = assignTogether(asked, candidates);
    times.push(performance.now() - startedAt);
    const sum = assigned.reduce<number>(
      (total, index, row) => total + (index === null ? 0 : bonus + (scores[row]?.[index] ?? 0)),
      0,
    );
    const placed = Math.floor(sum / bonus);
    const optimum = solver.optimumOf(programme(scores));
    const mostPlaced = Math.floor(optimum / bonus);
    worst = Math.min(
      worst,
      placed < mostPlaced ? 0 : (sum - placed * bonus) / (optimum - mostPlaced * bonus),
    );
  }
  return { worst, times };
}

const bonus = 100_000;

function programme(scores: readonly (readonly (number | null)[])[]): string {
  const name = (row: number, column: number): string => `x_${row}_${column}`;
  const terms = scores.flatMap((row, index) =>
    row.flatMap((score, column) => (score === null ? [] : `${bonus + score} ${name(index, column)}`)),
  );
  const sums = (names: string[]): string[] => (names.length === 0 ? [] : [`${names.join(' + ')} <= 1`]);
  const rows = scores.flatMap((row, index) =>
    sums(row.flatMap((score, column) => (score === null ? [] : name(index, column)))),
  );
  const columns = (scores[0] ?? []).flatMap((_, column) =>
    sums(scores.flatMap((row, index) => ((row[column] ?? null) === null ? [] : name(index, column)))),
  );
  return `Maximize\n ${terms.join(' + ')}\nSubject To\n ${[...rows, ...columns].join('\n ')}\nEnd\n`;
}

const nodes = Number(options.nodes);
const decisions = Number(options.decisions);
const { times, placed } = decide(nodes, decisions);
const perSecond = (times.length * 1_000) / times.reduce((sum, time) => sum + time, 0);
progress(`${nodes} nodes of ${providers} providers: ${Math.round(perSecond)} decisions/s`);
const wide = decide(nodes * 10, Math.ceil(decisions / 10));
const batch = await together(Number(options.cases));
progress(`40 sessions at once: ${(batch.worst * 100).toFixed(2)} % of the optimum at worst`);
printResult({
  bench: 'place',
  medians: {
    decisionMs: median(times),
    decisionP99Ms: quantile(times, 0.99),
    decisionTenfoldNodesMs: median(wide.times),
    decisionTenfoldNodesP99Ms: quantile(wide.times, 0.99),
    togetherMs: median(batch.times),
  },
  ratios: { perSecond, placedShare: placed / decisions, worstOfOptimum: batch.worst },
  n: decisions,
});
