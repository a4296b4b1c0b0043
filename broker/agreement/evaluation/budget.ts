import type { IndicatorEvent } from './indicators.ts';

type Proportion = { readonly target: number; readonly isGood: (event: IndicatorEvent) => boolean };

export type BurnAlert = {
  readonly severity: 'page' | 'ticket';
  /** How many times faster than allowed the budget is being used up. */
  readonly burnRate: number;
  readonly rule: string;
};

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Multi-window, multi-burn-rate alerts (Google SRE Workbook, chapter 5). The short window ends the alert soon after the cause. */
const rules = [
  {
    factor: 14.4,
    longMs: hourMs,
    shortMs: 5 * minuteMs,
    severity: 'page',
    rule: '14.4 × over 1 h and 5 min',
  },
  {
    factor: 6,
    longMs: 6 * hourMs,
    shortMs: 30 * minuteMs,
    severity: 'page',
    rule: '6 × over 6 h and 30 min',
  },
  { factor: 1, longMs: 72 * hourMs, shortMs: 72 * hourMs, severity: 'ticket', rule: '1 × over 3 d' },
] as const;

/** The longest look back of any rule. */
export const burnHorizonMs = 72 * hourMs;

/** The most urgent rule that the events up to now break, if any. With fewer events than `minimumSamples` nothing is told. */
export function findBurnAlert(
  { target, isGood }: Proportion,
  events: readonly IndicatorEvent[],
  { nowMs, minimumSamples }: { readonly nowMs: number; readonly minimumSamples: number },
): BurnAlert | undefined {
  const rate = (spanMs: number): { rate: number; samples: number } => {
    const inside = events.filter(({ atMs }) => atMs > nowMs - spanMs && atMs <= nowMs);
    const bad = inside.filter((event) => !isGood(event)).length;
    return { rate: inside.length === 0 ? 0 : bad / inside.length / (1 - target), samples: inside.length };
  };
  for (const { factor, longMs, shortMs, severity, rule } of rules) {
    const long = rate(longMs);
    if (long.samples < minimumSamples || long.rate < factor || rate(shortMs).rate < factor) continue;
    return { severity, burnRate: long.rate, rule };
  }
  return undefined;
}

/** How many bad events a period allows, and how many there were. `left` is 1 when nothing is used up, below 0 when too much is. */
export function errorBudget(
  { target, isGood }: Proportion,
  events: readonly IndicatorEvent[],
): { readonly allowed: number; readonly used: number; readonly left: number } | undefined {
  if (events.length === 0) return undefined;
  const used = events.filter((event) => !isGood(event)).length;
  const allowed = (1 - target) * events.length;
  return { allowed, used, left: 1 - used / allowed };
}
