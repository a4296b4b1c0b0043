import type { KeepRule, RetentionPolicy } from './policy.ts';

/** What one sender sent of one modality of a study. */
export type StudyPart = { readonly sender: string; readonly modality: string };
/** The rule that keeps a study longest; undefined: it is kept for ever. */
type Period = { readonly rule: string; readonly days: number } | undefined;

/**
 * How long a study is kept: each part of it as long as the longest of the rules that fit it, and the whole as long as its longest
 * part. A part that no rule fits is kept for ever, and the rest with it.
 */
export function periodOf(parts: readonly StudyPart[], { keep }: Pick<RetentionPolicy, 'keep'>): Period {
  let longest: Period;
  for (const part of parts) {
    const fitting = Object.entries(keep).filter(([, rule]) => fits(rule, part));
    const [first, ...others] = fitting.map(([rule, { days }]) => ({ rule, days }));
    if (!first) return undefined;
    const best = others.reduce((one, other) => (other.days > one.days ? other : one), first);
    if (!longest || best.days > longest.days) longest = best;
  }
  return longest;
}

/** No study may be due sooner; undefined: none is ever. */
export function shortestDays({ keep }: Pick<RetentionPolicy, 'keep'>): number | undefined {
  const days = Object.values(keep).map((rule) => rule.days);
  return days.length === 0 ? undefined : Math.min(...days);
}

function fits({ from, modalities }: KeepRule, { sender, modality }: StudyPart): boolean {
  return (
    (from.length === 0 || from.includes(sender)) && (modalities.length === 0 || modalities.includes(modality))
  );
}
