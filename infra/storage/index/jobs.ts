import type { IndexDatabase } from './index-database.ts';

export type JobKind = 'forward' | 'priors' | 'commitment';
export type NewJob = {
  readonly kind: JobKind;
  readonly destination: string;
  /** Names it among those of its kind and destination: it is there once. */
  readonly subject: string;
  readonly detail: string;
};
export type Job = NewJob & { readonly id: number; readonly attempts: number; readonly createdAt: number };
type Stack = Pick<NewJob, 'kind' | 'destination'>;

export type JobState = {
  readonly waiting: Readonly<Record<JobKind, number>>;
  readonly failed: number;
  readonly lastFailure: string | null;
};
export const nothingToDo: JobState = {
  waiting: { forward: 0, priors: 0, commitment: 0 },
  failed: 0,
  lastFailure: null,
};

/** What is still to be done towards others, in the index: it is there after a restart, and with the object that caused it. */
export class JobQueue {
  readonly #index: IndexDatabase;
  readonly #now: () => number;

  constructor(index: IndexDatabase, now: () => number = Date.now) {
    this.#index = index;
    this.#now = now;
  }

  add({ kind, destination, subject, detail }: NewJob): void {
    const now = this.#now();
    this.#index.run(
      `INSERT INTO job (kind, destination, subject, detail, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (kind, destination, subject) DO NOTHING`,
      kind,
      destination,
      subject,
      detail,
      now,
      now,
    );
  }

  /** Where there is something to do now. */
  due(): Stack[] {
    return this.#index.all<Stack>(
      "SELECT DISTINCT kind, destination FROM job WHERE state = 'waiting' AND due_at <= ?",
      this.#now(),
    );
  }

  take({ kind, destination }: Stack, limit: number): Job[] {
    return this.#index.all<Job>(
      `SELECT id, kind, destination, subject, detail, attempts, created_at AS createdAt FROM job
       WHERE state = 'waiting' AND due_at <= ? AND kind = ? AND destination = ? ORDER BY id LIMIT ?`,
      this.#now(),
      kind,
      destination,
      limit,
    );
  }

  done(job: Pick<Job, 'id'>): void {
    this.#index.run('DELETE FROM job WHERE id = ?', job.id);
  }

  postpone(job: Pick<Job, 'id'>, { delayMs, reason }: { delayMs: number; reason: string }): void {
    this.#index.run(
      'UPDATE job SET attempts = attempts + 1, due_at = ?, reason = ? WHERE id = ?',
      this.#now() + delayMs,
      reason,
      job.id,
    );
  }

  /** Nobody tries again: a person has to look. */
  fail(job: Pick<Job, 'id'>, reason: string): void {
    this.#index.run("UPDATE job SET state = 'failed', reason = ? WHERE id = ?", reason, job.id);
  }

  nextDueAt(): number | undefined {
    const row = this.#index.get<{ at: number | null }>(
      "SELECT min(due_at) AS at FROM job WHERE state = 'waiting'",
    );
    return row?.at ?? undefined;
  }

  /** Of each destination that something is to be done towards, or was in vain. */
  states(): ReadonlyMap<string, JobState> {
    const rows = this.#index.all<{
      kind: JobKind;
      destination: string;
      state: string;
      count: number;
      reason: string;
    }>(
      'SELECT kind, destination, state, count(*) AS count, max(reason) AS reason FROM job GROUP BY kind, destination, state',
    );
    const states = new Map<string, JobState>();
    for (const { kind, destination, state, count, reason } of rows) {
      const known = states.get(destination) ?? nothingToDo;
      const isWaiting = state === 'waiting';
      states.set(destination, {
        waiting: { ...known.waiting, ...(isWaiting && { [kind]: count }) },
        failed: known.failed + (isWaiting ? 0 : count),
        lastFailure: reason === '' ? known.lastFailure : reason.slice(0, 300),
      });
    }
    return states;
  }

  counts(): { readonly waiting: number; readonly failed: number } {
    const row = this.#index.get<{ waiting: number; failed: number }>(
      `SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
         count(*) FILTER (WHERE state = 'failed') AS failed FROM job`,
    );
    return row ?? { waiting: 0, failed: 0 };
  }
}
