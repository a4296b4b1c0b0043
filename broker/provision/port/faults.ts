import type { ProviderDriver } from './driver.ts';
import { ProviderError } from './errors.ts';
import type { Item, Operation } from './resource.ts';

/** How often something happens: a share of the calls, and at most so many times. */
type Chance = { readonly share: number; readonly most?: number };

/** What goes wrong at a provider. All that is left out does not happen. */
export type FaultPlan = {
  /** Changing calls whose answer is lost: before anything was done, or after all of it was. */
  readonly lostBefore?: Chance;
  readonly lostAfter?: Chance;
  readonly throttled?: Chance;
  readonly retryAfterMs?: number;
  /** Looking fails. */
  readonly unreadable?: Chance;
  /** The provider takes the same operation for a new one. */
  readonly ignoredTokens?: boolean;
  /** Lists show each thing twice. */
  readonly doubledLists?: boolean;
  /** For so long nobody finds what was created. */
  readonly hiddenMs?: number;
  /** For so long lists and looks show what was destroyed as it was before. */
  readonly staleMs?: number;
  /** For so long what was destroyed is still going. */
  readonly slowDestroyMs?: number;
};

/** What was called, and what went wrong, so far. */
export type FaultCounts = { creates: number; looks: number; faults: number };

const looks = new Set(['get', 'list', 'console']);
const ports = [
  'machines',
  'volumes',
  'snapshots',
  'networks',
  'addresses',
  'securityGroups',
  'images',
] as const satisfies (keyof ProviderDriver)[];

/** Any driver, at a provider that misbehaves as planned. `random` in [0, 1). */
export function withFaults(
  driver: ProviderDriver,
  plan: FaultPlan,
  { random, now }: { random: () => number; now: () => number },
): ProviderDriver & { readonly counts: FaultCounts } {
  const counts: FaultCounts = { creates: 0, looks: 0, faults: 0 };
  const used = new Map<keyof FaultPlan, number>();
  const happens = (what: 'lostBefore' | 'lostAfter' | 'throttled' | 'unreadable'): boolean => {
    const { share = 0, most = Number.POSITIVE_INFINITY } = plan[what] ?? {};
    const times = used.get(what) ?? 0;
    if (times >= most || random() >= share) return false;
    used.set(what, times + 1);
    counts.faults += 1;
    return true;
  };

  const look = async <Value>(perform: () => Promise<Value>): Promise<Value> => {
    counts.looks += 1;
    if (happens('unreadable')) throw new ProviderError('transient', 'No answer');
    return perform();
  };
  const changing = async <Value>(perform: () => Promise<Value>): Promise<Value> => {
    if (happens('throttled'))
      throw new ProviderError('rate-limited', 'Too many calls', { retryAfterMs: plan.retryAfterMs ?? 20 });
    if (happens('lostBefore')) throw new ProviderError('unknown-outcome', 'The connection broke');
    const value = await perform();
    if (happens('lostAfter')) throw new ProviderError('unknown-outcome', 'The connection broke');
    return value;
  };
  const wrap = <Port extends object>(port: Port): Port => {
    const seen = rememberThings(plan, now);
    return new Proxy(port, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        const call = async (...args: unknown[]): Promise<unknown> =>
          Reflect.apply(value, target, args) as Promise<unknown>;
        switch (key) {
          case 'create':
            return async (spec: unknown, tag: unknown, name: unknown, operation: Operation) => {
              counts.creates += 1;
              const id = plan.ignoredTokens ? `${operation.id}-${counts.creates}` : operation.id;
              return changing(async () =>
                seen.created((await call(spec, tag, name, { ...operation, id })) as Item),
              );
            };
          case 'destroy':
            return async (ref: string, operation: Operation) =>
              changing(async () => {
                const before = await Reflect.apply(
                  Reflect.get(target, 'get') as (
                    ref: string,
                    signal: AbortSignal,
                  ) => Promise<Item | undefined>,
                  target,
                  [ref, operation.signal],
                );
                await call(ref, operation);
                seen.destroyed(before);
              });
          case 'get':
            return async (ref: string, signal: AbortSignal) =>
              look(async () => seen.get(ref, (await call(ref, signal)) as Item | undefined));
          case 'list':
            return async (owner: string, signal: AbortSignal) =>
              look(async () => seen.list(owner, (await call(owner, signal)) as readonly Item[]));
          default:
            return async (...args: unknown[]) =>
              looks.has(String(key)) ? look(async () => call(...args)) : changing(async () => call(...args));
        }
      },
    });
  };
  const wrapped = Object.fromEntries(
    ports.flatMap((name) => {
      const port = driver[name];
      return port === undefined ? [] : [[name, wrap(port)]];
    }),
  );
  return new Proxy(driver, {
    get(target, key) {
      if (key === 'counts') return counts;
      if (typeof key === 'string' && key in wrapped) return wrapped[key];
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  }) as ProviderDriver & { readonly counts: FaultCounts };
}

type Memory = {
  created(item: Item): Item;
  destroyed(item: Item | undefined): void;
  get(ref: string, item: Item | undefined): Item | undefined;
  list(owner: string, items: readonly Item[]): readonly Item[];
};

/** What the provider shows differs from what there is: new things are hidden, old ones linger. */
function rememberThings(
  { hiddenMs = 0, staleMs = 0, slowDestroyMs = 0, doubledLists = false }: FaultPlan,
  now: () => number,
): Memory {
  const born = new Map<string, number>();
  const gone = new Map<string, { readonly item: Item; readonly atMs: number }>();
  const isHidden = (ref: string): boolean => now() - (born.get(ref) ?? Number.NEGATIVE_INFINITY) < hiddenMs;
  /** A ghost of what was destroyed. */
  const lingering = (ref: string): Item | undefined => {
    const ghost = gone.get(ref);
    const sinceMs = ghost ? now() - ghost.atMs : Number.POSITIVE_INFINITY;
    if (!ghost || sinceMs >= staleMs + slowDestroyMs) return undefined;
    return sinceMs < staleMs ? ghost.item : { ...ghost.item, state: 'stopping', detail: 'going' };
  };
  const shown = (ref: string, item: Item | undefined): Item | undefined =>
    isHidden(ref) ? undefined : (lingering(ref) ?? item);
  return {
    created(item) {
      if (!born.has(item.ref)) born.set(item.ref, now());
      return item;
    },
    destroyed(item) {
      if (item && !gone.has(item.ref)) gone.set(item.ref, { item, atMs: now() });
    },
    get: shown,
    list(owner, items) {
      const ghosts = Array.from(gone.values(), ({ item }) => item).filter(
        ({ ref, tag }) => tag.owner === owner && !items.some((item) => item.ref === ref),
      );
      const all = [...items, ...ghosts].flatMap((item) => {
        const real = items.find(({ ref }) => ref === item.ref);
        return shown(item.ref, real) ?? [];
      });
      return doubledLists ? [...all, ...all] : all;
    },
  };
}
