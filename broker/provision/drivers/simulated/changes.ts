import type { Thing } from './thing.ts';

type Change = { readonly sequence: number; readonly owner: string; readonly ref: string };

/** The news of a cloud, for those who wait for it. */
export type Changes = Disposable & {
  note(thing: Thing): void;
  /** What has changed since then; waits up to `waitMs` when nothing has. */
  after(
    sequence: number,
    options: { owner: string; waitMs: number },
  ): Promise<{ after: number; refs: string[] }>;
  /** The number of the last one. */
  readonly last: number;
};

const kept = 20_000;

export function openChanges(now: () => number): Changes {
  const log: Change[] = [];
  const timers = new Map<Thing, NodeJS.Timeout[]>();
  const waiting = new Set<() => void>();
  let last = 0;
  let isClosed = false;

  const add = (thing: Thing): void => {
    last += 1;
    log.push({ sequence: last, owner: thing.tag.owner, ref: thing.ref });
    if (log.length > kept * 2) log.splice(0, log.length - kept);
    for (const wake of [...waiting]) wake();
  };
  const since = (sequence: number, owner: string): string[] => {
    const from = log.findLastIndex((change) => change.sequence <= sequence) + 1;
    return [...new Set(log.slice(from).flatMap((change) => (change.owner === owner ? [change.ref] : [])))];
  };

  return {
    get last() {
      return last;
    },
    note(thing) {
      for (const timer of timers.get(thing) ?? []) clearTimeout(timer);
      const coming = thing.versions.filter(({ atMs }) => atMs > now());
      timers.set(
        thing,
        coming.map(({ atMs }, index) =>
          setTimeout(() => {
            if (index === coming.length - 1) timers.delete(thing);
            add(thing);
          }, atMs - now()),
        ),
      );
      if (coming.length === 0) timers.delete(thing);
      add(thing);
    },
    async after(sequence, { owner, waitMs }) {
      const deadline = now() + waitMs;
      for (;;) {
        const refs = since(sequence, owner);
        const leftMs = deadline - now();
        if (refs.length > 0 || leftMs <= 0 || isClosed) return { after: last, refs };
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            clearTimeout(timer);
            waiting.delete(wake);
            resolve();
          };
          const timer = setTimeout(wake, leftMs);
          waiting.add(wake);
        });
      }
    },
    [Symbol.dispose]() {
      isClosed = true;
      for (const group of timers.values()) for (const timer of group) clearTimeout(timer);
      timers.clear();
      for (const wake of [...waiting]) wake();
    },
  };
}
