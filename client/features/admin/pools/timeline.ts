import { resourcePhaseSchema, type ProvisionEvent, type ResourcePhase } from '@medusa/protocol';

/** A while in one phase; ms since the epoch. */
type Span = { readonly phase: ResourcePhase; readonly from: number; readonly to: number };
type Step = {
  readonly sequence: number;
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly outcome: ProvisionEvent['outcome'];
};
export type Timeline = {
  readonly from: number;
  readonly to: number;
  readonly spans: readonly Span[];
  readonly steps: readonly Step[];
};

const turning: ReadonlySet<ProvisionEvent['kind']> = new Set(['phase', 'adopted', 'held']);

/** What the log tells of one resource, as bars on one time line: its phases, and the steps at the provider. */
export function timelineOf(events: readonly ProvisionEvent[], now: number): Timeline | null {
  const oldestFirst = [...events].sort((a, b) => a.sequence - b.sequence);
  const turns = oldestFirst.flatMap(({ kind, text, at }) => {
    const phase = turning.has(kind) ? phaseIn(text) : undefined;
    return phase ? [{ phase, at: Date.parse(at) }] : [];
  });
  const spans = turns.map(({ phase, at }, index) => ({ phase, from: at, to: turns[index + 1]?.at ?? now }));
  const steps = oldestFirst.flatMap(({ kind, sequence, text, at, durationMs, outcome }) => {
    const to = Date.parse(at);
    return kind === 'step' ? [{ sequence, text, from: to - (durationMs ?? 0), to, outcome }] : [];
  });
  const starts = [...spans, ...steps].map(({ from }) => from);
  if (starts.length === 0) return null;
  return { from: Math.min(...starts), to: Math.max(now, ...steps.map(({ to }) => to)), spans, steps };
}

/** Where each incarnation began: whenever it was created anew. */
export function incarnationsOf({ spans }: Timeline): readonly number[] {
  return spans
    .filter(({ phase }, index) => phase === 'creating' && spans[index - 1]?.phase !== 'creating')
    .map(({ from }) => from);
}

/** `creating → joining: …` or `joining: …` */
function phaseIn(text: string): ResourcePhase | undefined {
  const [, word] = /^(?:[a-z]+ → )?([a-z]+)\b/.exec(text) ?? [];
  return resourcePhaseSchema.safeParse(word).data;
}
