import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';
import { SharedSync } from './shared-sync.ts';

type Value = string | number | null;

/** For so long what is gathered may be in the memory of this process alone. */
const gatherMs = 100;
/** The disk is full, or worse: until it takes it. */
const againMs = 1_000;
/** Searches come in many shapes: a bound on what is kept of them. */
const mostPrepared = 200;

/**
 * A database in SQLite (WAL) of one process. What a call has written is on the disk when it is over, but for what is gathered: that is seen by all
 * at once, and comes to the disk some time later, many works together in one transaction. To write each for itself takes three times the work.
 */
export class IndexDatabase implements Disposable {
  readonly #database: DatabaseSync;
  readonly #log: SharedSync;
  readonly #prepared = new Map<string, { readonly statement: StatementSync; readonly isQuery: boolean }>();
  /** Done, and not committed. */
  readonly #gathered: (() => unknown)[] = [];
  #isGathering = false;
  #isInWork = false;
  #hasFailed = false;
  #isBackingUp = false;
  #isSyncing = true;
  #timer: NodeJS.Timeout | undefined;

  static open(path: string, schema: string): IndexDatabase {
    const database = new DatabaseSync(path);
    // The exclusive lock keeps a second node from the same directory.
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;',
    );
    database.exec(schema);
    return new IndexDatabase(database, new SharedSync(`${path}-wal`));
  }

  private constructor(database: DatabaseSync, log: SharedSync) {
    this.#database = database;
    this.#log = log;
  }

  [Symbol.dispose](): void {
    try {
      this.#settle();
    } finally {
      clearTimeout(this.#timer);
      this.#prepared.clear();
      this.#log[Symbol.dispose]();
      this.#database.close();
    }
  }

  all<Row>(sql: string, ...values: Value[]): Row[] {
    return this.#ready(sql).all(...values) as Row[];
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows what it asks for, as with `all`
  get<Row>(sql: string, ...values: Value[]): Row | undefined {
    return this.#ready(sql).get(...values) as Row | undefined;
  }

  /** @returns how many rows it changed */
  run(sql: string, ...values: Value[]): number {
    return Number(this.#ready(sql).run(...values).changes);
  }

  /** All of it or nothing. Synchronous. */
  transaction<Result>(work: () => Result): Result {
    this.#settle();
    this.#syncAtOnce(true);
    this.#execute('BEGIN IMMEDIATE');
    try {
      const result = this.#perform(work);
      this.#execute('COMMIT');
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /**
   * All of it or nothing, and seen by all. It may be done again, when what was gathered could not be written.
   * @throws what `work` throws, or what the disk said since
   */
  gather<Result>(work: () => Result): Result {
    // No more is taken on than the disk takes.
    if (this.#hasFailed) this.#settle();
    this.#begin();
    let result: Result;
    try {
      result = this.#perform(work);
    } catch (error) {
      // The others begin again without it.
      this.#rollBack();
      throw error;
    }
    this.#gathered.push(work);
    if (this.#isBackingUp) this.#settle();
    return result;
  }

  /** Resolves when all that is seen here now is on the disk. */
  async durable(): Promise<void> {
    this.#settle();
    await this.#log.synced();
  }

  /** A whole copy of it as a new file, while it goes on. */
  async backup(path: string): Promise<void> {
    this.#settle();
    this.#isBackingUp = true;
    try {
      await backup(this.#database, path);
    } finally {
      this.#isBackingUp = false;
    }
  }

  #ready(sql: string): StatementSync {
    const { statement, isQuery } = this.#prepare(sql);
    if (this.#isInWork) return statement;
    if (isQuery) this.#regather();
    else {
      this.#settle();
      this.#syncAtOnce(true);
    }
    return statement;
  }

  #prepare(sql: string): { readonly statement: StatementSync; readonly isQuery: boolean } {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const prepared = { statement: this.#database.prepare(sql), isQuery: /^\s*SELECT\b/i.test(sql) };
    if (this.#prepared.size > mostPrepared) this.#prepared.clear();
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  #execute(sql: string): void {
    this.#prepare(sql).statement.run();
  }

  #perform<Result>(work: () => Result): Result {
    this.#isInWork = true;
    try {
      return work();
    } finally {
      this.#isInWork = false;
    }
  }

  #begin(): void {
    if (this.#isGathering) return;
    this.#syncAtOnce(false);
    this.#execute('BEGIN IMMEDIATE');
    this.#isGathering = true;
    this.#settleIn(gatherMs);
    try {
      for (const work of this.#gathered) this.#perform(work);
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** What was gathered is seen, whatever became of the transaction. */
  #regather(): void {
    if (this.#gathered.length > 0) this.#begin();
  }

  /** Everything that was gathered is committed. @throws what the disk says; then it is still gathered */
  #settle(): void {
    this.#regather();
    if (!this.#isGathering) return;
    try {
      this.#execute('COMMIT');
    } catch (error) {
      this.#hasFailed = true;
      this.#rollBack();
      throw error;
    }
    this.#hasFailed = false;
    this.#isGathering = false;
    this.#gathered.splice(0);
    clearTimeout(this.#timer);
    this.#log.written();
  }

  #settleIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      try {
        this.#settle();
      } catch {
        // Whoever writes next is told.
        this.#settleIn(againMs);
      }
    }, ms);
  }

  /** SQLite has done it already where the disk is full. */
  #rollBack(): void {
    this.#isGathering = false;
    if (this.#database.isTransaction) this.#execute('ROLLBACK');
  }

  /** Whether a commit waits for the disk. */
  #syncAtOnce(isWanted: boolean): void {
    if (isWanted === this.#isSyncing) return;
    this.#execute(`PRAGMA synchronous = ${isWanted ? 'FULL' : 'NORMAL'}`);
    this.#isSyncing = isWanted;
  }
}
