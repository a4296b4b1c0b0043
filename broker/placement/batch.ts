import type { Candidate, PlacementNeed } from './candidate.ts';
import { findObstacle } from './filter.ts';
import { defaultRules, type PlacementRules } from './plan.ts';
import { emptyPrediction, predictInto } from './predict.ts';
import { scoreOf } from './score.ts';

/** More sessions than this are not assigned at once: the work grows with the cube of their number. */
export const mostTogether = 64;

/** One free slot: the later ones of a node are worth less, as it is fuller then. */
type Seat = { readonly candidate: number; readonly usedSlots: number };

/**
 * Gives many sessions their nodes at once, so that as many as possible have one and the sum of their scores is the
 * largest there is. Answers for each need the index of its candidate, or null. At most `mostTogether` needs.
 * An assignment problem, solved exactly by shortest augmenting paths (H. W. Kuhn, J. Munkres; Jonker and Volgenant 1987).
 */
export function assignTogether(
  needs: readonly PlacementNeed[],
  candidates: readonly Candidate[],
  rules: PlacementRules = defaultRules,
): (number | null)[] {
  if (needs.length === 0) return [];
  if (needs.length > mostTogether)
    throw new RangeError(`At most ${mostTogether} sessions are placed at once`);
  const { seats, values } = seatsOf(needs, candidates, rules);
  const taken = assignRows(values);
  return needs.map((_, row) => {
    const column = taken[row] ?? 0;
    const value = values[row]?.[column] ?? 0;
    return value > 0 ? (seats[column]?.candidate ?? null) : null;
  });
}

/** What each session would have of each seat that can matter; the columns after the seats are for having none. */
function seatsOf(
  needs: readonly PlacementNeed[],
  candidates: readonly Candidate[],
  rules: PlacementRules,
): { seats: readonly Seat[]; values: Float64Array[] } {
  const all = candidates.flatMap(({ slots, usedSlots }, candidate) =>
    Array.from({ length: Math.min(needs.length, Math.max(0, slots - usedSlots)) }, (_, more) => ({
      candidate,
      usedSlots: usedSlots + more,
    })),
  );
  const full = needs.map((need) => valuesOf({ need, candidates, seats: all }, rules));
  // No session ever has to go beyond its best n seats: the n − 1 others cannot take them all.
  const wanted = new Set<number>();
  for (const row of full) for (const seat of bestSeats(row, needs.length)) wanted.add(seat);
  const kept = [...wanted].sort((a, b) => a - b);
  const width = kept.length + needs.length;
  const values = full.map((row) => {
    const narrow = new Float64Array(width);
    kept.forEach((seat, column) => (narrow[column] = row[seat] ?? 0));
    return narrow;
  });
  return { seats: kept.flatMap((seat) => all[seat] ?? []), values };
}

/** Having a place at all is worth more than any difference between places. */
const placedBonus = 1_000_000;

function valuesOf(
  asked: {
    readonly need: PlacementNeed;
    readonly candidates: readonly Candidate[];
    readonly seats: readonly Seat[];
  },
  { calibration, weights }: PlacementRules,
): Float64Array {
  const { need, candidates, seats } = asked;
  const prediction = emptyPrediction();
  const values = new Float64Array(seats.length);
  seats.forEach(({ candidate: index, usedSlots }, column) => {
    const node = candidates[index];
    if (!node) return;
    const candidate = { ...node, usedSlots };
    if (findObstacle(need, candidate) !== undefined) return;
    predictInto(prediction, { need, candidate }, calibration);
    values[column] = placedBonus + scoreOf(candidate, prediction, weights);
  });
  return values;
}

function bestSeats(row: Float64Array, count: number): number[] {
  return Array.from(row.keys())
    .filter((seat) => (row[seat] ?? 0) > 0)
    .sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b)
    .slice(0, count);
}

/** Of each row its column, so that the sum of values is the largest. There are at least as many columns as rows. */
function assignRows(values: readonly Float64Array[]): number[] {
  const rows = values.length;
  const columns = values[0]?.length ?? 0;
  // Row and column 0 stand for "not yet assigned", as is usual for this algorithm.
  const rowPotential = new Float64Array(rows + 1);
  const columnPotential = new Float64Array(columns + 1);
  const rowOf = new Int32Array(columns + 1);
  const cameFrom = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row += 1) {
    rowOf[0] = row;
    const end = findPath({ values, rowPotential, columnPotential, rowOf, cameFrom });
    let column = end;
    while (column !== 0) {
      const before = at(cameFrom, column);
      rowOf[column] = at(rowOf, before);
      column = before;
    }
  }
  const columnOf = new Array<number>(rows).fill(0);
  for (let column = 1; column <= columns; column += 1)
    if (at(rowOf, column) > 0) columnOf[at(rowOf, column) - 1] = column - 1;
  return columnOf;
}

type Search = {
  readonly values: readonly Float64Array[];
  readonly rowPotential: Float64Array;
  readonly columnPotential: Float64Array;
  readonly rowOf: Int32Array;
  readonly cameFrom: Int32Array;
};

const none = new Float64Array(0);

/** Dijkstra's search from the new row over reduced costs, to a column that nobody has. */
function findPath({ values, rowPotential, columnPotential, rowOf, cameFrom }: Search): number {
  const columns = columnPotential.length - 1;
  const least = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
  const isDone = new Uint8Array(columns + 1);
  let column = 0;
  do {
    isDone[column] = 1;
    const row = at(rowOf, column);
    const costs = values[row - 1] ?? none;
    let delta = Number.POSITIVE_INFINITY;
    let next = 0;
    for (let other = 1; other <= columns; other += 1) {
      if (isDone[other] === 1) continue;
      const reduced = -at(costs, other - 1) - at(rowPotential, row) - at(columnPotential, other);
      if (reduced < at(least, other)) {
        least[other] = reduced;
        cameFrom[other] = column;
      }
      if (at(least, other) < delta) {
        delta = at(least, other);
        next = other;
      }
    }
    shift({ isDone, least, delta }, { rowPotential, columnPotential, rowOf });
    column = next;
  } while (at(rowOf, column) !== 0);
  return column;
}

function shift(
  { isDone, least, delta }: { isDone: Uint8Array; least: Float64Array; delta: number },
  { rowPotential, columnPotential, rowOf }: Pick<Search, 'rowPotential' | 'columnPotential' | 'rowOf'>,
): void {
  for (let column = 0; column < columnPotential.length; column += 1) {
    if (isDone[column] === 1) {
      const row = at(rowOf, column);
      rowPotential[row] = at(rowPotential, row) + delta;
      columnPotential[column] = at(columnPotential, column) - delta;
    } else least[column] = at(least, column) - delta;
  }
}

function at(values: Float64Array | Int32Array, index: number): number {
  return values[index] ?? Number.NaN;
}
