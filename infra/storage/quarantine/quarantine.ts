import { TypedEmitter } from '@medusa/kernel';
import type { QuarantinedObject, QuarantineNews } from '@medusa/protocol';
import type { FileMeta } from '../dicom/file-meta.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import type { IncomingObject, ObjectStore } from '../objects/object-store.ts';

type Entry = {
  readonly meta: FileMeta;
  readonly sha256: string;
  readonly bytes: number;
  readonly state: QuarantinedObject['state'];
  readonly reason: string;
  readonly receivedAt: string;
  readonly receivedFrom: string;
};

/** What was taken out of the way of everybody but an administrator: files in a folder of their own, and why they are there. */
export interface Quarantine {
  readonly events: TypedEmitter<{ taken: [] }>;
  /** Both the bytes, as they came, and the entry are on the disk when it resolves. */
  take(incoming: IncomingObject, entry: Entry): Promise<void>;
  /** Of a file that lies in the folder already. */
  note(id: string, entry: Entry): void;
  list(limit: number): { readonly objects: readonly QuarantinedObject[]; readonly total: number };
  find(id: string): QuarantinedObject | undefined;
  /** Those that only wait for the scanner, the oldest first. */
  waiting(limit: number): readonly QuarantinedObject[];
  /** The scanner has spoken. */
  hold(id: string, reason: string): void;
  /** The file and the entry. */
  remove(id: string): Promise<void>;
  /** What the broker has not been told yet, the oldest first. */
  untold(limit: number): readonly QuarantineNews[];
  told(ids: readonly string[]): void;
  total(): number;
  bySender(): ReadonlyMap<string, number>;
}

const columns = `id, sha256, state, reason, received_at AS receivedAt, received_from AS receivedFrom, bytes, times,
  sop_class_uid AS sopClassUID, sop_instance_uid AS sopInstanceUID`;

export function openQuarantine(
  index: IndexDatabase,
  objects: ObjectStore,
  report: (error: unknown) => void,
): Quarantine {
  const events = new TypedEmitter<{ taken: [] }>(report);
  const note: Quarantine['note'] = (id, { meta, sha256, bytes, state, reason, receivedAt, receivedFrom }) => {
    index.run(
      `INSERT INTO quarantine (id, sha256, state, reason, received_at, received_from, bytes, sop_class_uid, sop_instance_uid)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET times = times + 1,
         reason = CASE quarantine.state WHEN 'held' THEN quarantine.reason ELSE excluded.reason END,
         state = CASE quarantine.state WHEN 'held' THEN 'held' ELSE excluded.state END`,
      ...[id, sha256, state, reason, receivedAt, receivedFrom, bytes, meta.sopClassUID, meta.sopInstanceUID],
    );
    events.emit('taken');
  };
  return {
    events,
    note,
    async take(incoming, entry) {
      note(await incoming.quarantine(), entry);
    },
    list: (limit) => ({
      objects: index.all<QuarantinedObject>(
        `SELECT ${columns} FROM quarantine ORDER BY received_at DESC, id LIMIT ?`,
        limit,
      ),
      total: count(index),
    }),
    find: (id) => index.get<QuarantinedObject>(`SELECT ${columns} FROM quarantine WHERE id = ?`, id),
    waiting: (limit) =>
      index.all<QuarantinedObject>(
        `SELECT ${columns} FROM quarantine WHERE state = 'waiting' ORDER BY received_at, id LIMIT ?`,
        limit,
      ),
    hold: (id, reason) =>
      void index.run("UPDATE quarantine SET state = 'held', reason = ?, told = 0 WHERE id = ?", reason, id),
    async remove(id) {
      await objects.removeQuarantined(id);
      index.run('DELETE FROM quarantine WHERE id = ?', id);
    },
    untold: (limit) =>
      index.all<QuarantineNews>(
        `SELECT id, reason, received_at AS receivedAt, received_from AS receivedFrom FROM quarantine
         WHERE told = 0 ORDER BY received_at, id LIMIT ?`,
        limit,
      ),
    told(ids) {
      for (const id of ids) index.run('UPDATE quarantine SET told = 1 WHERE id = ?', id);
    },
    total: () => count(index),
    bySender: () =>
      new Map(
        index
          .all<{ sender: string; total: number }>(
            'SELECT received_from AS sender, count(*) AS total FROM quarantine GROUP BY received_from',
          )
          .map(({ sender, total }) => [sender, total]),
      ),
  };
}

function count(index: IndexDatabase): number {
  return index.get<{ total: number }>('SELECT count(*) AS total FROM quarantine')?.total ?? 0;
}

const nobody: FileMeta = {
  sopClassUID: '',
  sopInstanceUID: '',
  transferSyntaxUID: '',
  sourceApplicationEntityTitle: '',
};

/** An entry for what could not be read. */
export function unknownEntry(
  sha256: string,
  { reason, at, meta = nobody }: { reason: string; at: Date; meta?: FileMeta | undefined },
): Entry {
  const receivedFrom = meta.sourceApplicationEntityTitle;
  return { meta, sha256, bytes: 0, state: 'held', reason, receivedAt: at.toISOString(), receivedFrom };
}

/** Makes folder and entries agree at start: a crash may have come between the two. */
export async function reconcile(
  quarantine: Quarantine,
  objects: ObjectStore,
  now: () => Date,
): Promise<void> {
  const files = new Set(await objects.quarantined());
  for (const id of files)
    if (!quarantine.find(id))
      quarantine.note(id, unknownEntry(id, { reason: 'found in the folder at start', at: now() }));
  for (const { id } of quarantine.list(Number.MAX_SAFE_INTEGER).objects)
    if (!files.has(id)) await quarantine.remove(id);
}
