import type { DeploymentPlan, DeploymentWish, Power, ResourceId, ResourceView } from '@medusa/protocol';
import { ownIdsOf, wishesOf, type ServiceRecord } from './record.ts';

/** What is there, by id; what is not in it, or absent, is not there. */
export type Views = ReadonlyMap<string, ResourceView>;

/** What is to be done next for a service. */
export type NextStep =
  | {
      readonly kind: 'ask';
      readonly node: DeploymentPlan['nodes'][number];
      readonly wishes: readonly DeploymentWish[];
    }
  | { readonly kind: 'power'; readonly ids: readonly ResourceId[]; readonly power: Power }
  | { readonly kind: 'let-go'; readonly ids: readonly ResourceId[] }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'fail'; readonly reason: string }
  | { readonly kind: 'done' };

/**
 * The next step to bring all of it about, node by node in the plan's order: a node is begun when all of the one before is ready. Pure: the
 * same facts have the same answer on every broker.
 */
export function nextToDeploy(record: ServiceRecord, views: Views, now: number): NextStep {
  for (const node of record.plan.nodes) {
    const step = nextOfNode(record, node, { views, now });
    if (step) return step;
  }
  return { kind: 'done' };
}

type Facts = { readonly views: Views; readonly now: number };

function nextOfNode(
  record: ServiceRecord,
  node: DeploymentPlan['nodes'][number],
  { views, now }: Facts,
): NextStep | undefined {
  const own = ownIdsOf(record);
  const failure = node.wishes.map(({ id }) => failureOf(record, id, { views, now })).find(Boolean);
  if (failure !== undefined) return { kind: 'fail', reason: failure };
  const off = node.wishes.filter(({ id }) => own.has(id) && isSwitchedOff(there(views, id)));
  if (off.length > 0) return { kind: 'power', ids: off.map(({ id }) => id), power: 'on' };
  const wishes = node.wishes.filter(
    ({ id, waitsFor }) =>
      (!record.parts[id] || !there(views, id)) && waitsFor.every((need) => isReady(there(views, need))),
  );
  if (wishes.length > 0) return { kind: 'ask', node, wishes };
  const late = node.wishes.find(({ id }) => !isReady(there(views, id)));
  return late && { kind: 'wait', reason: whyNotReady(late.id, views) };
}

function failureOf(record: ServiceRecord, id: ResourceId, { views, now }: Facts): string | undefined {
  const view = there(views, id);
  const part = record.parts[id];
  if (!view || !part || isReady(view)) return undefined;
  if (view.phase === 'error' || view.phase === 'held') return whyNotReady(id, views);
  const sinceMs = now - Math.max(part.askedAt, record.since);
  if (sinceMs <= record.readySeconds * 1_000) return undefined;
  return `${whyNotReady(id, views)} (not ready after ${record.readySeconds} s)`;
}

/** The next step to let all of it go, in the reverse of the order in which it is made; each is gone before the next one goes. */
export function nextToRelease(record: ServiceRecord, views: Views, staying: ReadonlySet<string>): NextStep {
  for (const { id } of record.plan.nodes.toReversed().flatMap(leavingOrder)) {
    const view = there(views, id);
    const part = record.parts[id];
    if (!part?.isOurs || part.isGone || staying.has(id) || !view || view.phase === 'held') continue;
    return view.isWanted
      ? { kind: 'let-go', ids: [id] }
      : { kind: 'wait', reason: `${id} goes: ${view.reason === '' ? view.phase : view.reason}` };
  }
  return { kind: 'done' };
}

/** A machine before its volumes: they let go of it by themselves when it goes, and one that is kept for a person would hold it up. */
function leavingOrder({ wishes }: DeploymentPlan['nodes'][number]): readonly DeploymentWish[] {
  return wishes
    .toReversed()
    .toSorted((a, b) => Number(b.spec.kind === 'machine') - Number(a.spec.kind === 'machine'));
}

/**
 * Shared things that stay: all of them when a service that ran is released, and those that others count on when a failed deployment is
 * taken back.
 */
export function stayingOf(record: ServiceRecord, usedByOthers: readonly string[]): ReadonlySet<string> {
  const { state } = record;
  if (state.kind === 'releasing' && state.reason !== null) return new Set(usedByOthers);
  const own = ownIdsOf(record);
  return new Set(wishesOf(record).flatMap(({ id }) => (own.has(id) ? [] : [id])));
}

/** The next step to have its machines off or asleep: those that need others first. */
export function nextToSuspend(record: ServiceRecord, views: Views, power: Power): NextStep {
  for (const { id } of ownMachines(record).toReversed()) {
    const view = there(views, id);
    if (!view) return { kind: 'fail', reason: `${id} is gone` };
    if (view.phase === 'error') return { kind: 'fail', reason: whyNotReady(id, views) };
    if (wantedPower(view) !== power) return { kind: 'power', ids: [id], power };
    const isThere = view.phase === 'ready' && (view.power ?? power) === power;
    if (!isThere) return { kind: 'wait', reason: whyNotReady(id, views) };
  }
  return { kind: 'done' };
}

/** What keeps a service from being all right; undefined: nothing does. */
export function weaknessOf(record: ServiceRecord, views: Views): string | undefined {
  const weak = wishesOf(record).find(({ id }) => !isReady(there(views, id)));
  return weak && whyNotReady(weak.id, views);
}

function ownMachines(record: ServiceRecord): readonly DeploymentWish[] {
  const own = ownIdsOf(record);
  return wishesOf(record).filter(({ id, spec }) => spec.kind === 'machine' && own.has(id));
}

/** One that is there, or on its way to be there or gone. */
export function there(views: Views, id: string): ResourceView | undefined {
  const view = views.get(id);
  return view?.phase === 'absent' && !view.isWanted ? undefined : view;
}

function isReady(view: ResourceView | undefined): boolean {
  return view?.phase === 'ready' && view.isWanted && (view.power ?? 'on') === 'on' && !isSwitchedOff(view);
}

function wantedPower(view: ResourceView): Power | undefined {
  return view.spec.kind === 'machine' ? view.spec.power : undefined;
}

function isSwitchedOff(view: ResourceView | undefined): boolean {
  return view !== undefined && (wantedPower(view) ?? 'on') !== 'on';
}

function whyNotReady(id: string, views: Views): string {
  const view = there(views, id);
  if (!view) return `${id} is not there`;
  return `${id} is ${view.phase}${view.reason === '' ? '' : `: ${view.reason}`}`;
}
