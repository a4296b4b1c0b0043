/** Who needs a file here just now: it is not taken away from under a reader. */
export interface Leases {
  /** Resolves when nobody is taking the file away; from then on nobody does until it is released. */
  take(name: string): Promise<Disposable>;
  isHeld(name: string): boolean;
  /** Does something to a file that nobody may have meanwhile. Answers whether it was done. */
  unlessHeld(name: string, act: () => Promise<void>): Promise<boolean>;
  size(): number;
}

export function createLeases(): Leases {
  const held = new Map<string, number>();
  const leaving = new Map<string, Promise<unknown>>();
  return {
    async take(name) {
      held.set(name, (held.get(name) ?? 0) + 1);
      let isReleased = false;
      await leaving.get(name)?.catch(() => undefined);
      return {
        [Symbol.dispose]() {
          if (isReleased) return;
          isReleased = true;
          const left = (held.get(name) ?? 1) - 1;
          if (left === 0) held.delete(name);
          else held.set(name, left);
        },
      };
    },
    isHeld: (name) => held.has(name),
    async unlessHeld(name, act) {
      if (held.has(name) || leaving.has(name)) return false;
      const acting = act();
      leaving.set(name, acting);
      try {
        await acting;
        return true;
      } finally {
        leaving.delete(name);
      }
    },
    size: () => held.size,
  };
}
