import type { DeploymentPlan, DeploymentWish, ServiceStep } from '@medusa/protocol';
import { guestOrders } from './guest-environment.ts';
import { stepOf } from './progress.ts';
import type { ServiceRecord } from './record.ts';

type Node = DeploymentPlan['nodes'][number];

/** Of nodes that have nothing of their own: what they are told is told to nobody. */
export function remarksOnComplexNodes({ plan }: ServiceRecord, now: number): ServiceStep[] {
  return plan.nodes
    .filter(({ wishes }) => wishes.length === 0)
    .flatMap((node) => remarks({ node, orders: guestOrders(node, plan, new Map()), isThere: false }, now));
}

/** Of a node that is about to go: what its release asks for and nobody does. */
export function remarksOnRelease(
  { plan }: ServiceRecord,
  machine: DeploymentWish['id'],
  now: number,
): ServiceStep[] {
  const node = plan.nodes.find(({ wishes }) => wishes.some(({ id }) => id === machine));
  if (!node) return [];
  const instructions = plan.release.find((leaving) => leaving.node === node.node)?.instructions ?? [];
  const orders = guestOrders({ ...node, instructions }, plan, new Map());
  return remarks({ node, orders: { ...orders, told: [] }, isThere: false }, now);
}

/** Of what a node's machine is told when it starts; one that is there already is told nothing. */
export function remarks(
  { node, orders, isThere }: { node: Node; orders: ReturnType<typeof guestOrders>; isThere: boolean },
  now: number,
): ServiceStep[] {
  const late = isThere ? orders.told.map((text) => `${text} is not carried out: it was there before`) : [];
  const told = isThere ? [] : orders.told;
  return [
    ...told.map((text) => stepOf(now, line(node, text))),
    ...[...late, ...orders.refused].map((text) =>
      stepOf(now, { ...line(node, text), outcome: 'not-carried-out' }),
    ),
  ];
}

/** Of a node, as a step that went well. */
export function line({ node }: Node, text: string): Omit<ServiceStep, 'at'> {
  return { node, text, outcome: 'ok', durationMs: null };
}
