import {
  AppError,
  problems,
  type DeploymentWish,
  type ResourceId,
  type ResourceView,
  type ServiceStep,
} from '@medusa/protocol';
import type { Provisioning } from '../provision/index.ts';
import { guestOrders } from './guest-environment.ts';
import { there, type NextStep, type Views } from './next-step.ts';
import { stepOf } from './progress.ts';
import { line, remarks } from './remarks.ts';
import { ownIdsOf, specOf, withSteps, type Part, type ServiceRecord } from './record.ts';

type Ask = Extract<NextStep, { kind: 'ask' }>;

/** What is written before things are asked for: that they are, and what the machines among them are told. */
export function asked(
  record: ServiceRecord,
  { node, wishes }: Ask,
  facts: { views: Views; now: number },
): ServiceRecord {
  const { views, now } = facts;
  const parts: Record<string, Part> = { ...record.parts };
  const guests = { ...record.guests };
  const steps: ServiceStep[] = [];
  for (const { id, spec } of wishes) {
    const isThere = there(views, id) !== undefined;
    const before = record.parts[id];
    const isOurs = before?.isOurs === true || !isThere;
    parts[id] = { askedAt: now, isOurs, readyAt: null, leavingAt: null, isGone: false };
    if (isThere && !before) steps.push(stepOf(now, line(node, `${spec.kind} ${id} is there already`)));
    if (spec.kind !== 'machine') continue;
    const orders = guestOrders(node, record.plan, views);
    if (isOurs) guests[id] = orders.environment;
    if (!before) steps.push(...remarks({ node, orders, isThere }, now));
  }
  return withSteps({ ...record, parts, guests }, steps);
}

/** What of these is there already although it is this service's to make; undefined: nothing. */
export function foreignAmong(record: ServiceRecord, { wishes }: Ask, views: Views): string | undefined {
  const own = ownIdsOf(record);
  return wishes.find(({ id }) => own.has(id) && !record.parts[id] && there(views, id))?.id;
}

/** Asks for what is not there. A sentence: it cannot be had, and asking again would not help. */
export async function make(
  provisioning: Pick<Provisioning, 'create' | 'resource'>,
  record: ServiceRecord,
  { wishes, views }: { readonly wishes: readonly DeploymentWish[]; readonly views: Views },
): Promise<string | undefined> {
  const { provider, id: service } = record;
  for (const wish of wishes.filter(({ id }) => !there(views, id))) {
    const wanted = { id: wish.id, provider, spec: specOf(record, wish) };
    const why = await refusalOf(async () => provisioning.create(wanted, { actor: `service ${service}` }));
    // A broker that was killed had asked for it already, or another service for what both share.
    if (why !== undefined && !(await lookAt(provisioning, wish.id))?.isWanted) return `${wish.id}: ${why}`;
  }
  return undefined;
}

/** Why something is refused for good; undefined: it was not. */
export async function refusalOf(act: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (!(error instanceof AppError) || problems[error.code].retry) throw error;
    return sentenceOf(error);
  }
}

/** What is there of that id; undefined: it never was. */
export async function lookAt(
  provisioning: Pick<Provisioning, 'resource'>,
  id: ResourceId,
): Promise<ResourceView | undefined> {
  try {
    return await provisioning.resource(id);
  } catch (error) {
    if (error instanceof AppError && error.code === 'resource.unknown') return undefined;
    throw error;
  }
}

function sentenceOf({ message, details }: AppError): string {
  const { errors } = details;
  if (!Array.isArray(errors)) return message;
  return (errors as readonly { message: string }[]).map((fault) => fault.message).join('; ');
}
