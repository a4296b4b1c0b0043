import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@medusa/kernel';
import type { ProviderId, ProviderKind, ResourceKind } from '@medusa/protocol';
import type { Logger } from 'pino';
import type { Seal } from '../credentials/index.ts';
import { ProviderError, type DriverDefinition, type ProviderDriver } from '../port/index.ts';
import { createListings } from './listings.ts';
import type { ProviderRecord, Thing } from './model.ts';

export type DriverDefinitions = Partial<Record<ProviderKind, () => Promise<DriverDefinition>>>;

export type OpenDriver = {
  readonly driver: ProviderDriver;
  readonly revision: number;
  readonly list: (kind: ResourceKind) => Promise<readonly Thing[]>;
};

type OpenDriversDeps = {
  readonly definitions: DriverDefinitions;
  readonly seal: Seal;
  readonly owner: string;
  readonly log: Logger;
  readonly now: () => Date;
  readonly dataDirOf: (id: ProviderId, kind: ProviderKind) => string;
  /** Something of ours may have changed there. */
  readonly onChange: (id: ProviderId) => void;
  readonly report: (error: unknown) => void;
};

type Held = {
  readonly revision: number;
  readonly opening: Promise<OpenDriver>;
  readonly closing: AbortController;
};

export const readTimeoutMs = 60_000;

/** One open driver a provider, opened when it is first needed and anew when its settings change. */
export class OpenDrivers implements AsyncDisposable {
  readonly #deps: OpenDriversDeps;
  readonly #held = new Map<ProviderId, Held>();

  constructor(deps: OpenDriversDeps) {
    this.#deps = deps;
  }

  /** Throws a `ProviderError` when it cannot be opened. */
  async open(record: ProviderRecord): Promise<OpenDriver> {
    const held = this.#held.get(record.id);
    if (held?.revision === record.revision) return held.opening;
    const closing = new AbortController();
    const before = held ? this.#close(held) : Promise.resolve();
    const opening = before.then(async () => this.#open(record, closing.signal));
    const made = { revision: record.revision, opening, closing };
    this.#held.set(record.id, made);
    opening.catch(() => {
      // Tried again with the next question.
      if (this.#held.get(record.id) === made) this.#held.delete(record.id);
    });
    return opening;
  }

  async forget(id: ProviderId): Promise<void> {
    const held = this.#held.get(id);
    this.#held.delete(id);
    if (held) await this.#close(held);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    await Promise.all(all.map(async (held) => this.#close(held)));
  }

  async definition(kind: ProviderKind): Promise<DriverDefinition> {
    const load = this.#deps.definitions[kind];
    if (!load) throw new ProviderError('invalid', `There is no driver for ${kind}`);
    return load();
  }

  async #open(record: ProviderRecord, signal: AbortSignal): Promise<OpenDriver> {
    const { seal, log, now, dataDirOf, owner } = this.#deps;
    const { id, kind } = record;
    const definition = await this.definition(kind);
    const settings = definition.settingsSchema.safeParse(record.settings);
    if (!settings.success) throw new ProviderError('invalid', `The settings of ${id} do not fit its driver`);
    const credentials = definition.credentialsSchema.safeParse(this.#credentials(record, seal));
    if (!credentials.success)
      throw new ProviderError('auth', `The credentials of ${id} are missing or incomplete`);
    const context = { log: log.child({ provider: id }), now, dataDir: dataDirOf(id, kind) };
    const driver = await this.#translated(id, async () => {
      await mkdir(context.dataDir, { recursive: true, mode: 0o700 });
      return definition.open(settings.data, credentials.data, context);
    });
    const list = createListings(driver, { owner, timeoutMs: readTimeoutMs, signal });
    void this.#watch(driver, id, signal);
    return { driver, revision: record.revision, list };
  }

  /** A watch that breaks is taken up again: until then the roll calls tell. */
  async #watch(driver: ProviderDriver, id: ProviderId, signal: AbortSignal): Promise<void> {
    const { owner, onChange, report } = this.#deps;
    const isOver = (): boolean => signal.aborted;
    for (let failures = 0; driver.watch && !isOver(); failures += 1) {
      const startedAt = Date.now();
      try {
        await driver.watch(owner, () => onChange(id), signal);
      } catch (error) {
        if (!isOver() && !(error instanceof ProviderError)) report(error);
      }
      if (Date.now() - startedAt > 60_000) failures = 0;
      await delay(backoffMs(failures, 1, { firstMs: 500, mostMs: 60_000 }), undefined, { signal }).catch(
        () => undefined,
      );
      if (!isOver()) onChange(id);
    }
  }

  #credentials({ id, credentials }: ProviderRecord, seal: Seal): unknown {
    if (credentials === null) return {};
    try {
      return seal.open(id, credentials);
    } catch (cause) {
      throw new ProviderError('auth', `The credentials of ${id} cannot be read: enter them again`, { cause });
    }
  }

  async #translated(id: ProviderId, act: () => Promise<ProviderDriver>): Promise<ProviderDriver> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof ProviderError) throw error;
      this.#deps.report(error);
      throw new ProviderError('transient', `The driver of ${id} could not be opened`, { cause: error });
    }
  }

  async #close({ opening, closing }: Held): Promise<void> {
    closing.abort(new Error('The driver is closed'));
    try {
      await (await opening).driver[Symbol.asyncDispose]();
    } catch (error) {
      if (!(error instanceof ProviderError)) this.#deps.report(error);
    }
  }
}
