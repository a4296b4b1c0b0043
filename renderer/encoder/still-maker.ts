import { setImmediate as turn } from 'node:timers/promises';
import { TypedEmitter } from '@medusa/kernel';
import { encodeStill, type StillWhole } from '@medusa/protocol';
import { monotonicMs, type StillEvent } from './messages.ts';
import { type Area, copyArea, encodeTile, type Grab, hashPicture, isAlike, tilesOf } from './still-tile.ts';

type SentFrame = { readonly rtpTimestamp: number; readonly hasChanged: boolean };

/**
 * A picture rests when it has not changed for so long. Of one that moves, longer than the pauses of what moves slowly, as far as its last
 * two changes tell: a still of each of its pictures would be thrown away. Of one that was at rest before, hardly longer than the pieces
 * take in which it may be drawn.
 */
const restMs = { single: 30, least: 50, most: 180, pauses: 1.5, movingWithin: 180 };
/** libuv's threads are the grab's and the encoder's too. */
const tilesAtOnce = 2;

/**
 * Makes the lossless still of a picture that rests: only tiles that differ from what was told before, and the hash of all. Whatever
 * changes the picture, and any input, ends the work at once.
 */
export class StillMaker {
  readonly events: TypedEmitter<{ still: [event: StillEvent] }>;
  readonly #report: (error: unknown) => void;
  #isWanted = false;
  #dueAtMs = Infinity;
  #rtpTimestamp = 0;
  #generation = 0;
  /** What everybody has who has all that was told; of the areas in `#known` only. */
  #told: Grab | undefined;
  readonly #known = new Set<number>();
  #whole: StillWhole | undefined;
  #working: AbortController | undefined;
  #lastChangeMs = -Infinity;
  #pauseMs = Infinity;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
    this.events = new TypedEmitter(report);
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** When `begin` should be called, on the clock of `monotonicMs`. Infinity: there is nothing to begin with. */
  get dueAtMs(): number {
    return this.#dueAtMs;
  }

  /** Who comes first has nothing: all is told anew. */
  want(isWanted: boolean): void {
    if (isWanted === this.#isWanted) return;
    this.#isWanted = isWanted;
    this.#stop();
    this.#told = undefined;
    this.#schedule();
  }

  /** Told before the frame is encoded, so that the word that it shows the same comes no later than the frame. */
  frameSent({ rtpTimestamp, hasChanged }: SentFrame): void {
    this.#rtpTimestamp = rtpTimestamp;
    if (!hasChanged) {
      if (this.#whole) this.#tellWhole({ ...this.#whole, rtpTimestamp });
      return;
    }
    const now = monotonicMs();
    this.#pauseMs = now - this.#lastChangeMs;
    this.#lastChangeMs = now;
    this.#stop();
    this.#schedule();
  }

  /** @param grab of the picture that was sent last. */
  begin(grab: Grab): void {
    this.#dueAtMs = Infinity;
    this.#refine(grab).catch(this.#report);
  }

  /** Most inputs change the picture: the way is kept free for that. */
  disturbed(): void {
    if (this.#whole || !this.#isWanted) return;
    this.#stop();
    this.#schedule();
  }

  #stop(): void {
    const wasTelling = this.#working !== undefined || this.#whole !== undefined;
    this.#dueAtMs = Infinity;
    this.#working?.abort();
    this.#working = undefined;
    this.#whole = undefined;
    if (wasTelling) this.events.emit('still', { kind: 'over' });
  }

  #schedule(): void {
    if (!this.#isWanted || !Number.isFinite(this.#lastChangeMs)) return;
    const { single, least, most, pauses, movingWithin } = restMs;
    const isMoving = this.#pauseMs < movingWithin;
    const waitMs = isMoving ? Math.min(most, Math.max(least, this.#pauseMs * pauses)) : single;
    this.#dueAtMs = monotonicMs() + waitMs;
  }

  async #refine(grab: Grab): Promise<void> {
    const working = new AbortController();
    this.#working = working;
    const { signal } = working;
    this.#generation += 1;
    const generation = this.#generation;
    const told = this.#toldFor(grab);
    const { widthPx, heightPx } = grab;
    const changed = tilesOf(grab).filter(
      (area) => !this.#known.has(keyOf(area)) || !isAlike(grab, told, area),
    );
    for (const area of changed) this.#known.delete(keyOf(area));
    const picture = { widthPx, heightPx };
    this.events.emit('still', { kind: 'begun', generation, picture, changed: changed.map(keyOf) });
    const left = changed[Symbol.iterator]();
    const work = async (): Promise<void> => {
      for (const area of left) {
        const tile = await encodeTile(grab, area);
        if (signal.aborted) return;
        copyArea(grab, told, area);
        this.#known.add(keyOf(area));
        const bytes = encodeStill({ kind: 'tile', generation, picture, ...area, ...tile });
        this.events.emit('still', { kind: 'tile', key: keyOf(area), bytes });
        // A frame that became due meanwhile goes first.
        await turn();
      }
    };
    await Promise.all(Array.from({ length: tilesAtOnce }, work));
    const sha256 = await hashPicture(grab, signal);
    if (!sha256 || signal.aborted) return;
    this.#working = undefined;
    this.#tellWhole({ kind: 'whole', generation, picture, sha256, rtpTimestamp: this.#rtpTimestamp });
  }

  #tellWhole(whole: StillWhole): void {
    this.#whole = whole;
    this.events.emit('still', whole);
  }

  #toldFor({ bytes, widthPx, heightPx }: Grab): Grab {
    if (this.#told?.widthPx === widthPx && this.#told.heightPx === heightPx) return this.#told;
    this.#known.clear();
    this.#told = { bytes: Buffer.alloc(bytes.length), widthPx, heightPx };
    return this.#told;
  }
}

function keyOf({ x, y }: Area): number {
  return y * 0x10000 + x;
}
