import { backoffMs } from '@medusa/kernel';
import type { Logger } from 'pino';
import type { Entity, EntityRegistry, Registry } from '../entities/registry.ts';
import type { Job, JobKind, JobQueue } from '../index/jobs.ts';
import { applyRules, type Rule } from '../index/rules.ts';
import type { IndexDatabase } from '../index/index-database.ts';

/** What became of one job. */
export type JobOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'later'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

export type Target = { readonly title: string; readonly entity: Entity };
/** Does jobs of one kind towards one entity. What it does not answer for, or throws at, is tried later. */
export type Worker = (
  jobs: readonly Job[],
  target: Target,
  settle: (job: Job, outcome: JobOutcome) => void,
) => Promise<void>;

export type RoutingDeps = {
  readonly index: IndexDatabase;
  readonly jobs: JobQueue;
  readonly registry: EntityRegistry;
  readonly workers: Readonly<Record<JobKind, Worker>>;
  readonly log: Logger;
};

/** Jobs of one association; no more than it can have presentation contexts. */
const jobsAtOnce = 100;
const mostWorkers = 4;
export const pauses = { firstMs: 1_000, mostMs: 600_000 };
export const giveUpMs = 72 * 3_600_000;
/** How long arrivals gather: a study is hundreds of them. */
const gatherMs = 100;
/** The registry may change without anything arriving. */
const lookMs = 30_000;

/** Does what is to be done towards others, again and again until it is done or hopeless. */
export interface Routing extends AsyncDisposable {
  /** There is something to do. */
  wake(): void;
  /** Something arrived. Rules are applied to it soon, and to all that comes until then. */
  arrived(): void;
}

export function startRouting(deps: RoutingDeps): Routing {
  const running = new Map<string, Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let gathering: NodeJS.Timeout | undefined;
  let turning: Promise<void> | undefined;
  let isWanted = false;
  let isClosed = false;

  const wake = (): void => {
    if (isClosed) return;
    isWanted = true;
    turning ??= turns().finally(() => {
      turning = undefined;
    });
  };
  const turns = async (): Promise<void> => {
    while (isWanted && !isClosed) {
      isWanted = false;
      try {
        await turn();
      } catch (error) {
        deps.log.error({ err: error }, 'routing failed');
      }
    }
    if (isClosed) return;
    clearTimeout(timer);
    const due = deps.jobs.nextDueAt();
    const untilDue = due === undefined || running.size > 0 ? lookMs : due - Date.now();
    timer = setTimeout(wake, Math.min(lookMs, Math.max(100, untilDue)));
  };
  const turn = async (): Promise<void> => {
    const registry = await deps.registry.current();
    if (isClosed) return;
    applyRules(deps.index, deps.jobs, rulesOf(registry));
    for (const { kind, destination } of deps.jobs.due()) {
      const name = `${kind} ${destination}`;
      if (running.has(name) || running.size >= mostWorkers) continue;
      const work = perform(deps, { kind, destination, entity: registry.entities[destination] }).catch(
        (error: unknown) => deps.log.error({ err: error }, 'a job failed'),
      );
      running.set(
        name,
        work.finally(() => {
          running.delete(name);
          if (!isClosed) wake();
        }),
      );
    }
  };
  wake();
  return {
    wake,
    arrived() {
      gathering ??= setTimeout(() => {
        gathering = undefined;
        wake();
      }, gatherMs);
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearTimeout(timer);
      clearTimeout(gathering);
      await turning;
      await Promise.all(running.values());
    },
  };
}

type Stack = { readonly kind: JobKind; readonly destination: string; readonly entity: Entity | undefined };

async function perform(
  { jobs, workers, log }: RoutingDeps,
  { kind, destination, entity }: Stack,
): Promise<void> {
  const taken = jobs.take({ kind, destination }, jobsAtOnce);
  const open = new Map(taken.map((job) => [job.id, job]));
  const later = (job: Job, reason: string): void => {
    if (Date.now() - job.createdAt > giveUpMs) jobs.fail(job, reason);
    else jobs.postpone(job, { delayMs: backoffMs(job.attempts, Math.random(), pauses), reason });
  };
  const settle = (job: Job, outcome: JobOutcome): void => {
    open.delete(job.id);
    if (outcome.kind === 'done') {
      jobs.done(job);
      return;
    }
    log.warn({ kind, destination, outcome: outcome.kind, reason: outcome.reason }, 'not done');
    if (outcome.kind === 'failed') jobs.fail(job, outcome.reason);
    else later(job, outcome.reason);
  };
  let reason = 'not in the registry';
  try {
    if (entity) await workers[kind](taken, { title: destination, entity }, settle);
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  if (open.size > 0) log.warn({ kind, destination, reason, jobs: open.size }, 'tried again later');
  for (const job of open.values()) later(job, reason);
}

function rulesOf({ forward, priors }: Registry): Rule[] {
  return [
    ...Object.entries(forward).map(([name, { to, from, modalities }]): Rule => ({
      name: `forward ${name}`,
      source: 'instance',
      jobFor({ subject, modalities: arrived, receivedFrom }) {
        const isWanted =
          receivedFrom !== to &&
          (from.length === 0 || from.includes(receivedFrom)) &&
          (modalities.length === 0 || arrived.some((modality) => modalities.includes(modality)));
        return isWanted ? { kind: 'forward', destination: to, subject, detail: name } : undefined;
      },
    })),
    ...Object.entries(priors).map(([name, { from }]): Rule => ({
      name: `priors ${name}`,
      source: 'study',
      jobFor: ({ subject }) => ({ kind: 'priors', destination: from, subject, detail: name }),
    })),
  ];
}
