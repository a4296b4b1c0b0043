import type { Item, Operation } from '../../port/index.ts';

/**
 * Makes a call that has no `ClientToken` as good as one that has: the same operation joins the one that is under way or was
 * answered within the memory's time, and what carries the tag already is answered instead of made again.
 */
type Once = <Thing extends Item>(operation: Operation, steps: Steps<Thing>) => Promise<Thing>;

type Steps<Thing> = {
  readonly find: () => Promise<Thing | undefined>;
  readonly make: () => Promise<Thing>;
};

/** Longer than anything takes to be seen by everyone. */
const rememberedMs = 10 * 60_000;

export function openOnce(now: () => Date): Once {
  const calls = new Map<string, { answer: Promise<Item>; since: number }>();
  return async <Thing extends Item>({ id }: Operation, { find, make }: Steps<Thing>): Promise<Thing> => {
    const time = now().getTime();
    for (const [old, { since }] of calls) if (time - since > rememberedMs) calls.delete(old);
    const underWay = calls.get(id);
    if (underWay) return underWay.answer as Promise<Thing>;
    const answer = (async () => (await find()) ?? make())();
    calls.set(id, { answer, since: time });
    try {
      return await answer;
    } catch (error) {
      calls.delete(id);
      throw error;
    }
  };
}

/**
 * Things we made that others may not see yet ("Eventual consistency in the Amazon EC2 API"): that such a one is not found does not
 * mean that it is gone.
 */
export type Recent = {
  readonly add: (ref: string) => void;
  readonly has: (ref: string) => boolean;
  readonly delete: (ref: string) => void;
};

export function openRecent(now: () => Date, visibilityMs: number): Recent {
  const made = new Map<string, number>();
  return {
    add(ref) {
      const time = now().getTime();
      for (const [old, since] of made) if (time - since > visibilityMs) made.delete(old);
      made.set(ref, time);
    },
    delete: (ref) => void made.delete(ref),
    has: (ref) => now().getTime() - (made.get(ref) ?? 0) <= visibilityMs,
  };
}
