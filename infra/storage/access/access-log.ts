import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { TypedEmitter } from '@medusa/kernel';
import { accessRecordSchema, type AccessRecord } from '@medusa/protocol';

/** What is known of an access when it begins. Nothing of what was asked for is answered before this is written. */
export type Access = Pick<AccessRecord, 'kind' | 'service' | 'requestor'> &
  Partial<
    Pick<
      AccessRecord,
      'destination' | 'session' | 'sopClassUID' | 'level' | 'query' | 'studies' | 'patientIDs'
    >
  >;
export type AccessEnd = Pick<AccessRecord, 'outcome' | 'objects' | 'status'> &
  Partial<Pick<AccessRecord, 'studies'>>;

type Ended = Pick<AccessEnd, 'outcome' | 'status'>;

/** Who queried, retrieved and stored, on this disk until the broker has it. */
export interface AccessLog extends Disposable {
  readonly events: TypedEmitter<{ ended: [] }>;
  /** @throws when it cannot be written: then the access must not be */
  begin(access: Access): (end: AccessEnd) => void;
  /**
   * For what comes by the hundred: one record of all that has the same key, and ends alike, within some seconds. Answers how to correct
   * what was counted, when it turns out to have ended otherwise.
   */
  count(key: string, describe: () => Access, ended?: Ended): (ended: Ended) => void;
  /** What the broker has not been told yet, the oldest first. */
  untold(limit: number): readonly AccessRecord[];
  told(records: readonly AccessRecord[]): void;
  total(): number;
}

type Gathering = {
  key: string;
  readonly record: AccessRecord;
  readonly end: (end: AccessEnd) => void;
  readonly timer: NodeJS.Timeout;
  times: number;
};

const schema = `
CREATE TABLE IF NOT EXISTS access (
  id TEXT PRIMARY KEY,
  number INTEGER NOT NULL,
  document TEXT NOT NULL,
  is_open INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS access_by_number ON access (is_open, number);
`;
const gatherMs = 5_000;
/** Of records that gather: somebody who tries names one after the other must not fill the memory. */
const mostGathering = 5_000;
const mostQuery = 2_000;
const mostNames = 100;

/**
 * Apart from the index, as it is not to wait for the disk: a record outlives the process at once, and the machine when the log is next
 * written out.
 */
export function openAccessLog(
  path: string,
  options: { now: () => Date; report: (error: unknown) => void; gatherMs?: number },
): AccessLog {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  database.exec(schema);
  // These were under way when the process ended; how they ended is not known.
  database.exec('UPDATE access SET is_open = 0 WHERE is_open = 1');
  const insert = database.prepare('INSERT INTO access VALUES (?, ?, ?, 1)');
  const finish = database.prepare('UPDATE access SET document = ?, is_open = 0 WHERE id = ?');
  const select = database.prepare('SELECT document FROM access WHERE is_open = 0 ORDER BY number LIMIT ?');
  const remove = database.prepare('DELETE FROM access WHERE id = ?');
  const countAll = database.prepare('SELECT count(*) AS total FROM access');
  const last = database.prepare('SELECT max(number) AS number FROM access').get() as {
    number: number | null;
  };
  let number = last.number ?? 0;
  const events = new TypedEmitter<{ ended: [] }>(options.report);
  const gathering = new Map<string, Gathering>();

  const write = (access: Access): { record: AccessRecord; end: (end: AccessEnd) => void } => {
    const record: AccessRecord = {
      ...access,
      ...(access.query !== undefined && { query: access.query.slice(0, mostQuery) }),
      studies: (access.studies ?? []).slice(0, mostNames),
      patientIDs: (access.patientIDs ?? []).slice(0, mostNames),
      id: randomUUID(),
      at: options.now().toISOString(),
      outcome: 'failure',
      objects: 0,
      times: 1,
      status: 'not ended',
    };
    insert.run(record.id, (number += 1), JSON.stringify(record));
    const end = (ended: AccessEnd): void => {
      Object.assign(record, ended, { status: ended.status.slice(0, 200) });
      record.studies = record.studies.slice(0, mostNames);
      try {
        finish.run(JSON.stringify(record), record.id);
      } catch (error) {
        options.report(error);
        return;
      }
      events.emit('ended');
    };
    return { record, end };
  };

  const settle = (one: Gathering): void => {
    gathering.delete(one.key);
    clearTimeout(one.timer);
    const { outcome, objects, status } = one.record;
    one.record.times = one.times;
    one.end({ outcome, objects, status });
  };
  const gather = (key: string, describe: () => Access, ended: Ended): void => {
    const known = gathering.get(key);
    if (known) {
      known.times += 1;
      return;
    }
    const [oldest] = gathering.values();
    if (gathering.size >= mostGathering && oldest) settle(oldest);
    const { record, end } = write(describe());
    Object.assign(record, ended);
    const timer = setTimeout(() => settle(one), options.gatherMs ?? gatherMs);
    const one: Gathering = { key, record, end, timer, times: 1 };
    gathering.set(key, one);
  };
  const discount = (key: string): void => {
    const counted = gathering.get(key);
    if (!counted) return;
    counted.times -= 1;
    if (counted.times > 0) return;
    gathering.delete(key);
    clearTimeout(counted.timer);
    remove.run(counted.record.id);
  };

  return {
    events,
    begin: (access) => write(access).end,
    count(key, describe, ended = { outcome: 'success', status: '' }) {
      const keyOf = (way: Ended): string => `${key}|${way.outcome}|${way.status}`;
      gather(keyOf(ended), describe, ended);
      return (other) => {
        // First the one, then the other: at no moment it is in neither.
        gather(keyOf(other), describe, other);
        discount(keyOf(ended));
      };
    },
    untold: (limit) =>
      select
        .all(limit)
        .map((row) => accessRecordSchema.parse(JSON.parse((row as { document: string }).document))),
    told(records) {
      for (const { id } of records) remove.run(id);
    },
    total: () => (countAll.get() as { total: number }).total,
    [Symbol.dispose]() {
      for (const one of [...gathering.values()]) settle(one);
      database.close();
    },
  };
}
