import {
  serviceIdSchema,
  type ProvisionPlan,
  type ServiceAction,
  type ServiceState,
  type ServiceView,
} from '@medusa/protocol';
import { strings } from '../../../strings/en.ts';

const text = strings.services;

export type ShownState = keyof typeof text.states;
/** As people call it: restarting what sleeps is resuming. */
export type ServiceAct = keyof typeof text.acts;
type Part = ServiceView['nodes'][number]['resources'][number];

/** What is shown of a state: what the work is for, and whether a release takes a failure back. */
export function shownState(state: ServiceState): ShownState {
  if (state.kind === 'working') return state.purpose;
  if (state.kind === 'releasing') return state.reason === null ? 'releasing' : 'taken-back';
  return state.kind;
}

/** What an administrator can ask of it now; the broker decides. */
export function actsOf({ kind }: ServiceState): readonly ServiceAct[] {
  return acts[kind];
}

const acts: Readonly<Record<ServiceState['kind'], readonly ServiceAct[]>> = {
  idle: ['release'],
  working: ['release'],
  running: ['suspend', 'release'],
  degraded: ['restart', 'suspend', 'release'],
  suspended: ['resume', 'release'],
  releasing: [],
  error: ['release'],
  absent: [],
};

export function actionOf(act: ServiceAct): ServiceAction {
  return act === 'resume' ? 'restart' : act;
}

/** Why it is as it is, as a sentence; '' when there is nothing to say. */
export function reasonText({ state, reason }: Pick<ServiceView, 'state' | 'reason'>): string {
  if (reason === '') return '';
  if (state.kind === 'error') return text.reasons.failed(reason);
  if (state.kind === 'degraded') return text.reasons.weak(reason);
  const isTakenBack = state.kind === 'releasing' && state.reason !== null;
  return isTakenBack ? text.reasons.takenBack(reason) : text.reasons.waits(reason);
}

type Progress = { readonly done: number; readonly all: number; readonly words: string };

/** How far the work is that is under way; null: none is, or it cannot be counted. */
export function progressOf({ state, nodes }: Pick<ServiceView, 'state' | 'nodes'>): Progress | null {
  const parts = nodes.flatMap(({ resources }) => resources);
  if (state.kind === 'releasing') {
    // What a failure had made goes with all that nobody else counts on.
    const going = parts.filter(
      ({ isShared, phase }) => phase !== null && (state.reason !== null || !isShared),
    );
    const done = going.filter(({ phase }) => phase === 'absent' || phase === 'held').length;
    return { done, all: going.length, words: text.gone(done, going.length) };
  }
  if (state.kind !== 'working' || state.purpose === 'suspend') return null;
  const done = parts.filter(({ phase }) => phase === 'ready').length;
  return { done, all: parts.length, words: text.ready(done, parts.length) };
}

/** What an act would do to its parts, in order; undefined where that is the broker's to find out. */
export function planOf(act: ServiceAct, view: ServiceView): ProvisionPlan | undefined {
  if (act === 'restart') return undefined;
  const own = view.nodes.flatMap(({ resources }) => resources).filter(isOwnAndThere);
  const touched = act === 'release' ? own : own.filter(({ kind }) => kind === 'machine');
  const steps = (act === 'resume' ? touched : touched.toReversed()).map(({ id, kind }) => ({
    ...{ action: text.planActs[act], kind, provider: view.provider, name: id },
    ...{ typicalSeconds: null, note: '' },
  }));
  return { steps, warnings: [] };
}

/** Whether there is anything to show of its parts. */
export function hasParts({ state, nodes }: Pick<ServiceView, 'state' | 'nodes'>): boolean {
  if (state.kind !== 'absent' && state.kind !== 'error') return true;
  return nodes.some(({ resources }) => resources.some((part) => !part.isShared && isThere(part.phase)));
}

function isOwnAndThere({ isShared, phase }: Part): boolean {
  return !isShared && isThere(phase);
}

function isThere(phase: Part['phase']): boolean {
  return phase !== null && phase !== 'absent';
}

const mostLetters = 24;

/** A name for a service of that manifest which no other one has. */
export function freeId(manifest: string, taken: readonly string[]): string {
  const plain = manifest
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  const name = plain === '' ? 'service' : plain;
  for (let number = 1; ; number += 1) {
    const end = number === 1 ? '' : `-${number}`;
    const id = `${name.slice(0, mostLetters - end.length).replace(/-+$/, '')}${end}`;
    if (!taken.includes(id)) return id;
  }
}

export function isServiceId(id: string): boolean {
  return serviceIdSchema.safeParse(id).success;
}
