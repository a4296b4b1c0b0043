import { setImmediate as turn } from 'node:timers/promises';
import type { Ruling } from '@medusa/protocol';
import { Gauge, type Registry } from 'prom-client';
import type { Peers } from '../availability/peers.ts';
import type { Rulings } from '../availability/rulings.ts';
import { periodOf, shortestDays, type StudyPart } from './period.ts';
import type { PolicySource } from './policy.ts';
import { deleteDoomed, removeStudy, type RemovalDeps } from './removal.ts';

type KeeperDeps = Omit<RemovalDeps, 'rulings'> & {
  readonly rulings: Rulings;
  readonly source: PolicySource;
  readonly peers: Pick<Peers, 'isCurrent'>;
  readonly now: () => Date;
  readonly everyMs: number;
};

type DueStudy = {
  readonly studyInstanceUID: string;
  readonly rule: string;
  readonly dueAt: string;
  readonly isHeld: boolean;
};

/** Looks regularly for studies whose time is over, and removes them where the policy says so. */
export interface Keeper extends AsyncDisposable {
  /** Those whose time was over at the last look and that are still here. */
  due(): readonly DueStudy[];
  registerMeters(registry: Registry): void;
}

const dayMs = 24 * 60 * 60 * 1000;
const windowRows = 2_000;
const mostListed = 10_000;

export function startKeeper(deps: KeeperDeps): Keeper {
  const { source, rulings, log, everyMs } = deps;
  let due: readonly DueStudy[] = [];
  let removed = 0;
  let isEnding = false;
  let isAgain = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    isAgain = false;
    await source.refresh();
    removed += obey(deps);
    const found: DueStudy[] = [];
    for await (const study of dueStudies(deps)) {
      if (isEnding) return;
      if (remove(study, deps)) removed += 1;
      else if (found.length < mostListed) found.push(study);
    }
    due = found;
    await deleteDoomed(deps);
  };
  const schedule = (ms: number): void => {
    clearTimeout(timer);
    if (isEnding) return;
    timer = setTimeout(() => {
      running = running
        .then(look)
        .catch((error: unknown) => log.error({ err: error }, 'it was not looked what is to be removed'))
        .finally(() => schedule(isAgain ? 0 : everyMs));
    }, ms);
  };
  const listening = rulings.events.on('made', ({ kind }) => {
    // One of a peer: what it took away is gone everywhere.
    if (kind !== 'removed') return;
    isAgain = true;
    schedule(0);
  });
  schedule(0);

  return {
    due: () => due,
    registerMeters(registry) {
      const gauge = (name: string, help: string, value: () => number): Gauge =>
        new Gauge({
          name: `medusa_storage_${name}`,
          help,
          registers: [registry],
          collect() {
            this.set(value());
          },
        });
      gauge('studies_due', 'Studies whose retention period is over and that are here', () => due.length);
      gauge('studies_due_held', 'Of these, those under a legal hold', () => {
        return due.filter(({ isHeld }) => isHeld).length;
      });
      gauge('studies_removed', 'Studies removed since the start', () => removed);
    },
    async [Symbol.asyncDispose]() {
      isEnding = true;
      clearTimeout(timer);
      listening[Symbol.dispose]();
      await running;
    },
  };
}

/** What was removed at another node, or could not be removed here at the time. */
function obey(deps: KeeperDeps): number {
  const pending = deps.index.all<Ruling>(
    `SELECT r.study_instance_uid AS studyInstanceUID, r.kind, r.at, r.by, r.reason
     FROM ruling r JOIN study s USING (study_instance_uid) WHERE r.kind = 'removed' AND s.last_received_at <= r.at`,
  );
  return pending.filter((ruling) => removeStudy(ruling, deps)).length;
}

function remove({ studyInstanceUID, rule, dueAt }: DueStudy, deps: KeeperDeps): boolean {
  // A hold may have been put on it elsewhere: who does not hear the others removes nothing.
  if (deps.source.policy().removal !== 'delete' || !deps.peers.isCurrent()) return false;
  const ruling: Ruling = {
    studyInstanceUID,
    kind: 'removed',
    at: deps.now().toISOString(),
    by: `retention: ${rule}`,
    reason: `its retention period was over at ${dueAt}`,
  };
  return removeStudy(ruling, deps);
}

type Old = { readonly rowid: number; readonly study: string; readonly last: string };

async function* dueStudies({ index, source, rulings, now }: KeeperDeps): AsyncGenerator<DueStudy> {
  const policy = source.policy();
  const shortest = shortestDays(policy);
  if (shortest === undefined) return;
  const nowMs = now().getTime();
  const cutoff = new Date(nowMs - shortest * dayMs).toISOString();
  const end = index.get<{ last: number | null }>('SELECT max(rowid) AS last FROM study')?.last ?? 0;
  for (let at = 0; at < end; at += windowRows) {
    const old = index.all<Old>(
      `SELECT rowid, study_instance_uid AS study, last_received_at AS last FROM study
       WHERE rowid > ? AND rowid <= ? AND last_received_at < ?`,
      ...[at, at + windowRows, cutoff],
    );
    for (const { study, last } of old) {
      const parts = index.all<StudyPart>(
        `SELECT DISTINCT i.received_from AS sender, e.modality AS modality
         FROM instance i JOIN series e USING (study_instance_uid, series_instance_uid) WHERE i.study_instance_uid = ?`,
        study,
      );
      const period = periodOf(parts, policy);
      const dueMs = period && Date.parse(last) + period.days * dayMs;
      if (period && dueMs !== undefined && dueMs <= nowMs)
        yield {
          studyInstanceUID: study,
          rule: period.rule,
          dueAt: new Date(dueMs).toISOString(),
          isHeld: rulings.isHeld(study),
        };
    }
    // Others are to have their turn.
    await turn();
  }
}
