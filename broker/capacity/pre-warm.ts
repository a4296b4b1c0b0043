import type { PoolId, PoolPolicy, WarmSource } from '@medusa/protocol';

/** A slot that is kept warm because a session is foreseen. Times in ms since the epoch. */
export type WarmSlot = {
  /** Its name: the same expectation has the same one, whichever broker has it. */
  readonly subject: string;
  readonly pool: PoolId;
  readonly source: WarmSource;
  /** A session of any of these studies, or of any of these people, is what was meant. */
  readonly studies: readonly string[];
  readonly people: readonly string[];
  readonly chance: number;
  /** It would not be there without. */
  readonly isExtra: boolean;
  readonly decidedMs: number;
  /** Until then it is believed. */
  readonly untilMs: number;
};

/** A streamed session that got a node of a pool. */
export type Opening = {
  readonly sessionId: string;
  readonly pool: string;
  readonly ownerId: string;
  readonly studyInstanceUID: string;
  readonly atMs: number;
  readonly hasQueued: boolean;
};

export type WarmOutcome = 'hit' | 'late' | 'miss';
type Settled = {
  readonly subject: string;
  readonly outcome: WarmOutcome;
  readonly atMs: number;
  readonly sessionId: string | null;
};

/** An entry of the calendar that has not ended. */
export type CalendarEntry = {
  readonly id: string;
  readonly ownerId: string;
  readonly studyInstanceUID: string | null;
  readonly slots: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Sessions that its owner has already. */
  readonly held: number;
};

type Likely = { readonly studyInstanceUID: string; readonly chance: number };

/** A pool as the rule sees it. In slots. */
export type WarmPool = {
  readonly id: PoolId;
  readonly preWarm: PoolPolicy['preWarm'];
  /** What it could have beyond those in use and those of its buffer. */
  readonly room: number;
  /** How much of that is there without pre-warming. */
  readonly spare: number;
  /** From order to ready, as it is to be reckoned with. */
  readonly leadMs: number;
  /** Unread studies with the chance that they are opened within `beliefMs(leadMs)`. */
  readonly likely: readonly Likely[];
};

/** What was decided before. */
export type Known = {
  /** Not settled yet. */
  readonly open: readonly WarmSlot[];
  /** Names of the calendar's slots that were decided on, settled or not. */
  readonly subjects: ReadonlySet<string>;
  /** Since the oldest open decision; none that has settled one. */
  readonly openings: readonly Opening[];
};

export type Revision = { readonly settled: readonly Settled[]; readonly taken: readonly WarmSlot[] };

const minuteMs = 60_000;
/** One more slot is kept when it is more likely used than not: half of the decisions at least should be hits. */
const worthChance = 0.5;
/** A decision names at most so many studies. */
const mostStudies = 100;
/** A session that came in time may still wait for its node. */
const settleMs = minuteMs;

/** An expectation of the worklist holds for the node's way to readiness and ten minutes of use. */
export function beliefMs(leadMs: number): number {
  return leadMs + 10 * minuteMs;
}

/**
 * What became of the decisions, and which slots are to be kept warm from now on. Entries of the calendar come first: somebody has said
 * so. Asked again at the same moment, with its own answer among what is known, it has nothing to add.
 */
export function revise(
  { open, subjects, openings }: Known,
  pools: readonly WarmPool[],
  { entries, nowMs }: { readonly entries: readonly CalendarEntry[]; readonly nowMs: number },
): Revision {
  const leads = new Map(pools.map(({ id, leadMs }) => [id, leadMs]));
  const graceOf = ({ pool }: WarmSlot): number => settleMs + (leads.get(pool) ?? 0);
  const settled = settle({ open, openings }, { entries, nowMs, graceOf });
  const done = new Set(settled.map(({ subject }) => subject));
  const believed = open.filter(({ subject, untilMs }) => !done.has(subject) && untilMs > nowMs);
  const warm = [...believed];
  for (const pool of pools) warm.push(...addTo(pool, warm, { subjects, entries, nowMs }));
  return { settled, taken: warm.slice(believed.length) };
}

type Settling = {
  readonly entries: readonly CalendarEntry[];
  readonly nowMs: number;
  readonly graceOf: (one: WarmSlot) => number;
};

/** Each opening settles one decision at most: the calendar's before the worklist's, the oldest first. */
function settle(
  { open, openings }: Pick<Known, 'open' | 'openings'>,
  { entries, nowMs, graceOf }: Settling,
): Settled[] {
  const left = [...open].sort(
    (a, b) => Number(b.source === 'calendar') - Number(a.source === 'calendar') || a.untilMs - b.untilMs,
  );
  const settled: Settled[] = [];
  for (const opening of [...openings].sort((a, b) => a.atMs - b.atMs)) {
    const index = left.findIndex((one) => isMeant(one, opening));
    const [one] = index === -1 ? [] : left.splice(index, 1);
    if (!one) continue;
    const outcome = opening.hasQueued ? 'late' : 'hit';
    settled.push({ subject: one.subject, outcome, atMs: opening.atMs, sessionId: opening.sessionId });
  }
  const entryIds = new Set(entries.map(({ id }) => id));
  for (const one of left) {
    const isGivenUp = one.source === 'calendar' && one.untilMs > nowMs && !entryIds.has(entryOf(one));
    if (!isGivenUp && nowMs < one.untilMs + graceOf(one)) continue;
    settled.push({
      subject: one.subject,
      outcome: 'miss',
      atMs: Math.min(nowMs, one.untilMs),
      sessionId: null,
    });
  }
  return settled;
}

function isMeant({ pool, studies, people, decidedMs, untilMs }: WarmSlot, opening: Opening): boolean {
  return (
    opening.pool === pool &&
    opening.atMs > decidedMs &&
    opening.atMs <= untilMs &&
    (studies.includes(opening.studyInstanceUID) || people.includes(opening.ownerId))
  );
}

type Signals = Pick<Known, 'subjects'> & Omit<Settling, 'graceOf'>;

function addTo(pool: WarmPool, warm: readonly WarmSlot[], signals: Signals): WarmSlot[] {
  const { id, preWarm, room, spare, leadMs } = pool;
  const own = warm.filter((one) => one.pool === id && isBy(preWarm, one.source)).length;
  const left = Math.max(0, Math.min(preWarm.slots, room) - own);
  const soon = isBy(preWarm, 'calendar') ? fromCalendar(pool, warm, signals) : [];
  const promised = soon.filter(({ dueMs }) => dueMs <= signals.nowMs).slice(0, left);
  const named = new Set(
    [...warm, ...promised.map(({ slot }) => slot)].flatMap(({ source, studies }) =>
      source === 'calendar' ? studies : [],
    ),
  );
  // What is promised for the time in which a guess would be believed is not given to guesses.
  const free = left - soon.filter(({ dueMs }) => dueMs <= signals.nowMs + beliefMs(leadMs)).length;
  const likely = isBy(preWarm, 'worklist')
    ? fromWorklist(pool, warm, { named, left: Math.max(0, free), nowMs: signals.nowMs })
    : [];
  return [...promised.map(({ slot }) => slot), ...likely].map((one, index) => ({
    ...one,
    isExtra: own + index >= spare,
  }));
}

export function isBy({ by }: PoolPolicy['preWarm'], source: WarmSource): boolean {
  return by === source || by === 'both';
}

type Promised = {
  readonly slot: WarmSlot;
  /** When a node is to be ordered for it, at the latest. */
  readonly dueMs: number;
};

/** Slots of entries that nothing was decided about, but for those that their owner holds already. The soonest first. */
function fromCalendar(
  { id, leadMs }: WarmPool,
  warm: readonly WarmSlot[],
  { subjects, entries, nowMs }: Signals,
): Promised[] {
  const decided = new Set([...subjects, ...warm.map(({ subject }) => subject)]);
  return [...entries]
    .sort((a, b) => a.fromMs - b.fromMs)
    .filter(({ toMs }) => nowMs < toMs)
    .flatMap((entry) => {
      const { ownerId, studyInstanceUID, slots, held, fromMs, toMs } = entry;
      const open = warm.filter((one) => one.source === 'calendar' && entryOf(one) === entry.id).length;
      const names = Array.from({ length: slots }, (_, number) => `${entry.id}/${number + 1}`);
      return names
        .filter((subject) => !decided.has(subject))
        .slice(0, Math.max(0, slots - held - open))
        .map((subject) => ({
          slot: {
            ...{ subject, pool: id, source: 'calendar' as const, chance: 1, isExtra: false },
            studies: studyInstanceUID === null ? [] : [studyInstanceUID],
            ...{ people: [ownerId], decidedMs: nowMs, untilMs: toMs },
          },
          dueMs: fromMs - leadMs - minuteMs,
        }));
    });
}

function entryOf({ subject }: WarmSlot): string {
  return subject.split('/')[0] ?? '';
}

/** As many as are more likely used than not, beside those that other decisions of the worklist keep already, in whichever pool. */
function fromWorklist(
  { id, leadMs, likely }: WarmPool,
  warm: readonly WarmSlot[],
  { named, left, nowMs }: { named: ReadonlySet<string>; left: number; nowMs: number },
): WarmSlot[] {
  const open = warm.filter(({ source }) => source === 'worklist').length;
  const meant = likely
    .filter(({ studyInstanceUID }) => !named.has(studyInstanceUID))
    .sort((a, b) => b.chance - a.chance)
    .slice(0, mostStudies);
  const atLeast = chancesOfAtLeast(
    meant.map(({ chance }) => chance),
    open + left,
  );
  const studies = meant.map(({ studyInstanceUID }) => studyInstanceUID);
  return atLeast
    .map((chance, index) => ({ chance, number: index + 1 }))
    .filter(({ chance, number }) => number > open && chance >= worthChance)
    .map(({ chance, number }) => ({
      ...{
        subject: `${id}/${new Date(nowMs).toISOString()}/${number}`,
        pool: id,
        source: 'worklist',
        chance,
      },
      ...{ isExtra: false, studies, people: [], decidedMs: nowMs, untilMs: nowMs + beliefMs(leadMs) },
    }));
}

/**
 * How likely at least 1, 2, … `most` of independent events with these chances happen (the Poisson binomial distribution, by its
 * recurrence: one event after the other).
 */
export function chancesOfAtLeast(chances: readonly number[], most: number): number[] {
  // exactly[n]: that n of the events so far happen; the last: `most` or more.
  const exactly = [1, ...new Array<number>(Math.max(0, most)).fill(0)];
  for (const chance of chances)
    for (let n = exactly.length - 1; n >= 0; n -= 1) {
      const stays = n === most ? (exactly[n] ?? 0) : (exactly[n] ?? 0) * (1 - chance);
      exactly[n] = stays + (n === 0 ? 0 : (exactly[n - 1] ?? 0) * chance);
    }
  let sum = 0;
  return exactly
    .slice(1)
    .reverse()
    .map((chance) => Math.min(1, (sum += chance)))
    .reverse();
}
