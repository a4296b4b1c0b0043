import type { PoolPolicy } from '@medusa/protocol';
import { serversFor } from './erlang.ts';
import { isOpen, localTime } from './schedule.ts';

export type PoolUsage = {
  /** Sessions one node takes. */
  readonly slotsPerNode: number;
  /** Slots with a session, and sessions that wait for one. */
  readonly usedSlots: number;
  /** Free ones for sessions that are foreseen, beside those of the buffer. */
  readonly warmSlots?: number;
};

export type Arrivals = {
  /** When sessions were asked for, for the last eight days at least; `count` of them at about that time. */
  readonly requests: readonly { readonly at: Date; readonly count: number }[];
  /** How long a session holds its slot, on average. */
  readonly meanHoldSeconds: number;
  /** How long a node takes from order to ready: the schedule and the forecast are looked at that much ahead. */
  readonly leadSeconds: number;
};

export type PoolTarget = { readonly target: number; readonly reason: string };

/** How many nodes a pool shall have, and why. The largest of what asks for nodes decides, within `min` and `max`. */
export function poolTarget(
  policy: PoolPolicy,
  usage: PoolUsage,
  { arrivals, now }: { arrivals: Arrivals; now: Date },
): PoolTarget {
  const times = [now, new Date(now.getTime() + arrivals.leadSeconds * 1_000)];
  const asked = [
    { target: policy.min, reason: `at least ${policy.min}` },
    forUse(policy, usage),
    ...times.map((at) => forSchedule(policy, at)),
    ...times.map((at) => forForecast(policy, usage, { arrivals, at })),
  ];
  const most = asked.reduce((best, one) => (one.target > best.target ? one : best));
  if (most.target <= policy.max) return most;
  return {
    target: policy.max,
    reason: `at most ${policy.max}; ${most.target} were asked for: ${most.reason}`,
  };
}

function forUse(policy: PoolPolicy, { usedSlots, slotsPerNode, warmSlots = 0 }: PoolUsage): PoolTarget {
  const free = bufferOf(policy, usedSlots) + warmSlots;
  const warm = warmSlots === 0 ? '' : ` (${warmSlots} for sessions foreseen)`;
  return {
    target: Math.ceil((usedSlots + free) / slotsPerNode),
    reason: `${usedSlots} slots in use and ${free} free ones wanted${warm}, ${slotsPerNode} a node`,
  };
}

/** Slots that are to be free when so many are in use. */
export function bufferOf({ buffer }: PoolPolicy, usedSlots: number): number {
  return buffer.kind === 'slots' ? buffer.slots : Math.ceil((usedSlots * buffer.percent) / 100);
}

function forSchedule({ schedule, timeZone }: PoolPolicy, at: Date): PoolTarget {
  const none = { target: 0, reason: 'no schedule' };
  if (schedule.length === 0) return none;
  const local = localTime(at, timeZone);
  return schedule
    .filter((window) => isOpen(window, local))
    .map(({ min, from, to }) => ({
      target: min,
      reason: `at least ${min} from ${from} to ${to} (${timeZone})`,
    }))
    .reduce((best, one) => (one.target > best.target ? one : best), none);
}

const weekMs = 7 * 86_400_000;
/** Two hours each side: what daylight saving shifts, and the hour itself. */
const reachMs = 2 * 3_600_000;

function forForecast(
  { forecast, timeZone, max }: PoolPolicy,
  { slotsPerNode }: PoolUsage,
  { arrivals, at }: { arrivals: Arrivals; at: Date },
): PoolTarget {
  if (!forecast) return { target: 0, reason: 'no forecast' };
  // Compared by the wall clock: people come at nine, whatever the sun does.
  const { day, minute } = localTime(at, timeZone);
  const hour = Math.floor(minute / 60);
  const before = at.getTime() - weekMs;
  const count = arrivals.requests
    .filter((request) => Math.abs(request.at.getTime() - before) <= reachMs)
    .filter((request) => {
      const then = localTime(request.at, timeZone);
      return then.day === day && Math.floor(then.minute / 60) === hour;
    })
    .reduce((sum, request) => sum + request.count, 0);
  const load = (count * arrivals.meanHoldSeconds) / 3_600;
  const slots = serversFor(load, forecast.blocking, max * slotsPerNode);
  return {
    target: Math.ceil(slots / slotsPerNode),
    reason:
      `${count} sessions came in this hour a week ago and hold ${Math.round(arrivals.meanHoldSeconds / 60)} min: ` +
      `${slots} slots so that at most ${forecast.blocking * 100} % wait`,
  };
}
