import { existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import type { EchoResult, EntityStatus } from '@medusa/protocol';
import { z } from 'zod';

const dayBookSchema = z.object({ day: z.string(), bytes: z.record(z.string(), z.number()) });

/** What the quarantine and the queue of jobs know. */
type Elsewhere = 'quarantined' | 'waiting' | 'failed' | 'lastFailure';

/** What was seen of each application entity, whether it is listed or not. */
export interface PeerBook extends AsyncDisposable {
  received(title: string, bytes: number): void;
  refused(title: string, reason: string): void;
  admitted(title: string, certificateEndsAt: Date | undefined): void;
  echoed(title: string, result: EchoResult): void;
  priorFetched(title: string): void;
  bytesToday(title: string): number;
  statuses(): Omit<EntityStatus, Elsewhere>[];
}

type Seen = { -readonly [Name in Exclude<keyof EntityStatus, Elsewhere>]: EntityStatus[Name] };

/** Titles of callers are whatever they say they are. */
const mostTitles = 500;
const saveMs = 5_000;

/** @param path where the bytes of the day are kept, so that a quota outlives a restart */
export function openPeerBook(
  path: string,
  { now, report }: { now: () => Date; report: (error: unknown) => void },
): PeerBook {
  const seen = new Map<string, Seen>();
  const today = (): string => now().toISOString().slice(0, 10);
  let dayBook = read(path) ?? { day: today(), bytes: {} };
  let isChanged = false;
  let saving: Promise<void> = Promise.resolve();

  const of = (title: string): Seen | undefined => {
    let known = seen.get(title);
    if (!known && seen.size < mostTitles) {
      known = { title: title.slice(0, 16), ...nothing };
      seen.set(title, known);
    }
    return known;
  };
  const bytesOfDay = (): Record<string, number> => {
    if (dayBook.day !== today()) dayBook = { day: today(), bytes: {} };
    return dayBook.bytes;
  };
  const save = (): void => {
    if (!isChanged) return;
    isChanged = false;
    saving = saving
      .then(async () => {
        await writeFile(`${path}.part`, JSON.stringify(dayBook), { mode: 0o600 });
        await rename(`${path}.part`, path);
      })
      .catch(report);
  };
  const timer = setInterval(save, saveMs);

  return {
    received(title, bytes) {
      const one = of(title);
      if (!one) return;
      one.receivedObjects += 1;
      one.receivedBytes += bytes;
      one.lastSeenAt = now().toISOString();
      const book = bytesOfDay();
      book[title] = (book[title] ?? 0) + bytes;
      isChanged = true;
    },
    refused(title, reason) {
      const one = of(title);
      if (one) Object.assign(one, { refusals: one.refusals + 1, lastRefusal: reason.slice(0, 200) });
    },
    admitted(title, endsAt) {
      const one = of(title);
      if (!one) return;
      one.lastSeenAt = now().toISOString();
      if (endsAt) one.certificateEndsAt = endsAt.toISOString();
    },
    echoed(title, result) {
      const one = of(title);
      if (one) Object.assign(one, { echo: result, failures: result.isReachable ? 0 : one.failures + 1 });
    },
    priorFetched(title) {
      const one = of(title);
      if (one) one.priorsFetched += 1;
    },
    bytesToday: (title) => bytesOfDay()[title] ?? 0,
    statuses: () => [...seen.values()].map((one) => ({ ...one, bytesToday: bytesOfDay()[one.title] ?? 0 })),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      save();
      await saving;
    },
  };
}

const nothing = {
  echo: null,
  failures: 0,
  receivedObjects: 0,
  receivedBytes: 0,
  bytesToday: 0,
  refusals: 0,
  lastRefusal: null,
  priorsFetched: 0,
  lastSeenAt: null,
  certificateEndsAt: null,
} as const;

/** What is broken counts from nothing: it is a limit of a day. */
function read(path: string): z.infer<typeof dayBookSchema> | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return dayBookSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
