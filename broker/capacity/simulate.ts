import { createEventQueue, type EventQueue } from './event-queue.ts';

/** A request for a slot, ms since the beginning, and how long it is held. */
export type Arrival = { readonly atMs: number; readonly holdMs: number };

export type SimulationRules = {
  readonly slotsPerNode: number;
  /** How many nodes are wanted from when on; the first from the beginning, when they are ready already. */
  readonly wanted: readonly { readonly fromMs: number; readonly nodes: number }[];
  readonly bootMs: number;
  /** Mean time to the failure of a node; null: none fails. A replacement is ordered at once. */
  readonly failureMeanMs: number | null;
  /** Who finds no slot waits in order, or leaves for good. */
  readonly discipline: 'wait' | 'leave';
  /** Until then slots, nodes and failures are counted. */
  readonly horizonMs: number;
};

export type SimulationOutcome = {
  /** Of each request that was served, in the order of service, in ms. */
  readonly waitsMs: readonly number[];
  readonly lost: number;
  /** Those who still waited when nothing more could happen. */
  readonly unserved: number;
  readonly interrupted: number;
  readonly busySlotMs: number;
  readonly offeredSlotMs: number;
  /** From order to end. */
  readonly nodeMs: number;
};

type Node = { state: 'booting' | 'up' | 'draining' | 'gone'; readonly sessions: Set<Session> };
type Session = {
  readonly arrivedMs: number;
  remainingMs: number;
  startedMs: number | null;
  node: Node | null;
  /** Which start its end belongs to: one that was cut off is started again. */
  starts: number;
};
type Event =
  | { readonly kind: 'arrive'; readonly session: Session }
  | { readonly kind: 'leave'; readonly session: Session; readonly start: number }
  | { readonly kind: 'ready'; readonly node: Node }
  | { readonly kind: 'fail'; readonly node: Node }
  | { readonly kind: 'want'; readonly nodes: number };

type World = {
  readonly rules: SimulationRules;
  readonly random: () => number;
  readonly events: EventQueue<Event>;
  readonly queue: Session[];
  readonly nodes: Set<Node>;
  readonly waitsMs: number[];
  nowMs: number;
  lost: number;
  interrupted: number;
  busySlotMs: number;
  offeredSlotMs: number;
  nodeMs: number;
};

/**
 * Plays arrivals over nodes with slots, event by event: nodes boot, fail and are replaced, more or fewer are wanted by the hour, and
 * a node that is not wanted any more ends when its last session does. `random` gives numbers in 0…1.
 */
export function simulate(
  arrivals: readonly Arrival[],
  rules: SimulationRules,
  random: () => number,
): SimulationOutcome {
  const world = openWorld(rules, random);
  const [first, ...later] = rules.wanted;
  for (let number = 0; number < (first?.nodes ?? 0); number += 1) become(world, addNode(world));
  for (const { fromMs, nodes } of later) world.events.add(fromMs, { kind: 'want', nodes });
  for (const { atMs, holdMs } of arrivals) {
    const session = { arrivedMs: atMs, remainingMs: holdMs, startedMs: null, node: null, starts: 0 };
    world.events.add(atMs, { kind: 'arrive', session });
  }
  for (let next = world.events.next(); next; next = world.events.next()) {
    pass(world, next.atMs);
    happen(world, next.event);
  }
  pass(world, rules.horizonMs);
  const { waitsMs, lost, interrupted, busySlotMs, offeredSlotMs, nodeMs } = world;
  const unserved = world.queue.filter(({ startedMs }) => startedMs === null).length;
  return { waitsMs, lost, unserved, interrupted, busySlotMs, offeredSlotMs, nodeMs };
}

function openWorld(rules: SimulationRules, random: () => number): World {
  return {
    ...{ rules, random, events: createEventQueue<Event>(), queue: [], nodes: new Set<Node>(), waitsMs: [] },
    ...{ nowMs: 0, lost: 0, interrupted: 0, busySlotMs: 0, offeredSlotMs: 0, nodeMs: 0 },
  };
}

/** Time goes by: what was there until now is counted. */
function pass(world: World, toMs: number): void {
  const spanMs = Math.max(0, Math.min(toMs, world.rules.horizonMs) - world.nowMs);
  if (spanMs > 0) {
    for (const { state, sessions } of world.nodes) {
      world.nodeMs += spanMs;
      world.busySlotMs += spanMs * sessions.size;
      world.offeredSlotMs += spanMs * (state === 'up' ? world.rules.slotsPerNode : sessions.size);
    }
  }
  world.nowMs = Math.max(world.nowMs, toMs);
}

function happen(world: World, event: Event): void {
  switch (event.kind) {
    case 'arrive':
      arrive(world, event.session);
      break;
    case 'leave':
      leave(world, event.session, event.start);
      break;
    case 'ready':
      if (event.node.state === 'booting') become(world, event.node);
      break;
    case 'fail':
      fail(world, event.node);
      break;
    case 'want':
      want(world, event.nodes);
      break;
  }
}

function arrive(world: World, session: Session): void {
  world.queue.push(session);
  serve(world);
  if (world.rules.discipline === 'wait' || session.node) return;
  world.queue.splice(world.queue.indexOf(session), 1);
  world.lost += 1;
}

function serve(world: World): void {
  while (world.queue.length > 0) {
    const node = emptiest(world);
    const session = node && world.queue.shift();
    if (!node || !session) return;
    node.sessions.add(session);
    if (session.startedMs === null) world.waitsMs.push(world.nowMs - session.arrivedMs);
    session.node = node;
    session.startedMs = world.nowMs;
    session.starts += 1;
    const event = { kind: 'leave', session, start: session.starts } as const;
    world.events.add(world.nowMs + session.remainingMs, event);
  }
}

function emptiest({ nodes, rules }: World): Node | undefined {
  let best: Node | undefined;
  for (const node of nodes) {
    if (node.state !== 'up' || node.sessions.size >= rules.slotsPerNode) continue;
    if (!best || node.sessions.size < best.sessions.size) best = node;
  }
  return best;
}

function leave(world: World, session: Session, start: number): void {
  const { node } = session;
  if (session.starts !== start || !node?.sessions.delete(session)) return;
  if (node.state === 'draining' && node.sessions.size === 0) remove(world, node);
  serve(world);
}

function addNode({ nodes }: World): Node {
  const node: Node = { state: 'booting', sessions: new Set() };
  nodes.add(node);
  return node;
}

function order(world: World): void {
  world.events.add(world.nowMs + world.rules.bootMs, { kind: 'ready', node: addNode(world) });
}

function become(world: World, node: Node): void {
  node.state = 'up';
  const { failureMeanMs, horizonMs } = world.rules;
  if (failureMeanMs !== null) {
    const atMs = world.nowMs - Math.log(1 - world.random()) * failureMeanMs;
    if (atMs < horizonMs) world.events.add(atMs, { kind: 'fail', node });
  }
  serve(world);
}

function fail(world: World, node: Node): void {
  if (node.state === 'gone') return;
  const isReplaced = node.state === 'up';
  const cut = [...node.sessions];
  for (const session of cut) {
    session.remainingMs -= world.nowMs - (session.startedMs ?? world.nowMs);
    session.node = null;
    session.starts += 1;
  }
  world.interrupted += cut.length;
  node.sessions.clear();
  remove(world, node);
  // Who was cut off comes before who never began.
  world.queue.unshift(...cut);
  if (isReplaced) order(world);
  serve(world);
}

function want(world: World, count: number): void {
  const wanted = [...world.nodes].filter(({ state }) => state === 'booting' || state === 'up');
  const draining = [...world.nodes].filter(({ state }) => state === 'draining');
  for (let missing = count - wanted.length; missing > 0; missing -= 1) {
    const spared = draining.pop();
    if (spared) spared.state = 'up';
    else order(world);
  }
  const spare = wanted.sort((a, b) => rank(a) - rank(b) || a.sessions.size - b.sessions.size);
  for (const node of spare.slice(0, Math.max(0, wanted.length - count))) {
    if (node.sessions.size === 0) remove(world, node);
    else node.state = 'draining';
  }
  serve(world);
}

/** One that does not run yet is spared first. */
function rank({ state }: Node): number {
  return state === 'booting' ? 0 : 1;
}

function remove(world: World, node: Node): void {
  node.state = 'gone';
  world.nodes.delete(node);
}
