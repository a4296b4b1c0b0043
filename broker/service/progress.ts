import type { ServiceState, ServiceStep } from '@medusa/protocol';
import { there, type Views } from './next-step.ts';
import { withSteps, type Part, type ServiceRecord } from './record.ts';
import { transition, type RejectedServiceEvent, type ServiceEvent } from './states.ts';

/** The record after an event, with a line that tells how long the state before lasted. */
export function moved(
  record: ServiceRecord,
  event: ServiceEvent,
  now: number,
): ServiceRecord | RejectedServiceEvent {
  const state = transition(record.state, event);
  if (state.kind === 'rejected') return state;
  const why = reasonOf(state);
  const step = stepOf(now, {
    node: '',
    text: `${record.state.kind} → ${state.kind}${why === '' ? '' : `: ${why}`}`,
    outcome: event.kind === 'fail' || event.kind === 'weaken' ? 'failed' : 'ok',
    durationMs: now - record.since,
  });
  return withSteps({ ...record, state, since: now, waitsFor: '' }, [step]);
}

/** Why it is as it is; '' when nothing is wrong. */
export function reasonOf(state: ServiceState): string {
  return 'reason' in state ? (state.reason ?? '') : '';
}

export function stepOf(now: number, step: Omit<ServiceStep, 'at'>): ServiceStep {
  return { at: new Date(now).toISOString(), ...step };
}

/** Notes, once each, which parts have become ready and which are gone. The same record when there is nothing to note. */
export function noted(record: ServiceRecord, views: Views, now: number): ServiceRecord {
  const steps: ServiceStep[] = [];
  const parts: Record<string, Part> = {};
  for (const { node, wishes } of record.plan.nodes)
    for (const { id, spec } of wishes) {
      const part = record.parts[id];
      const news = part && newsOf(part, there(views, id));
      if (!news) continue;
      parts[id] = { ...part, ...news.patch(now) };
      const durationMs = now - news.sinceMs;
      steps.push(stepOf(now, { node, text: `${spec.kind} ${id} ${news.text}`, outcome: 'ok', durationMs }));
    }
  return steps.length === 0 ? record : withSteps({ ...record, parts: { ...record.parts, ...parts } }, steps);
}

type News = {
  readonly text: string;
  readonly sinceMs: number;
  readonly patch: (now: number) => Partial<Part>;
};

function newsOf(part: Part, view: ReturnType<typeof there>): News | undefined {
  if (part.leavingAt !== null) {
    const isGone = !part.isGone && (!view || view.phase === 'held');
    const text = view ? 'is kept for a person to decide: it may hold patient data' : 'is gone';
    return isGone ? { text, sinceMs: part.leavingAt, patch: () => ({ isGone }) } : undefined;
  }
  const isReady = part.readyAt === null && part.isOurs && view?.phase === 'ready';
  return isReady
    ? { text: 'is ready', sinceMs: part.askedAt, patch: (now) => ({ readyAt: now }) }
    : undefined;
}
