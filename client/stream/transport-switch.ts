import type { LatencySample } from './latency-matcher.ts';
import {
  chooseTransport,
  firstStanding,
  transportOrder,
  type TransportStanding,
} from './transport-choice.ts';
import { ableTransports, type TransportKind } from './transport-kind.ts';
import type { VideoTransport } from './video-transport.ts';

type Options = {
  readonly wanted: TransportKind | undefined;
  readonly change: (kind: TransportKind) => void;
};
type Path = { readonly isAlive: boolean; readonly roundTripMs: number | null };

/** What the node tells of a second may be of frames that were shown in it. */
const toldLateMs = 1_500;

/** Watches how the picture comes to this viewer, and has it come another way where that is better. */
export class TransportSwitch {
  readonly #able = ableTransports();
  readonly #options: Options;
  #standing: TransportStanding;
  #waysMs: number[] = [];
  /** Since when a frame should have been shown; undefined: none is due. */
  #dueSince: number | undefined;
  #shownAt = -Infinity;

  constructor(options: Options) {
    this.#options = options;
    this.#standing = firstStanding({ able: this.#able, wanted: options.wanted }, performance.now());
  }

  /** What to try in turn. */
  get order(): TransportKind[] {
    return transportOrder(this.#standing, this.#able);
  }

  /** This one comes now, beginning with a keyframe. */
  began({ kind }: VideoTransport): void {
    const now = performance.now();
    this.#dueSince = now;
    if (kind === this.#standing.kind) return;
    this.#standing = { ...this.#standing, kind, sinceMs: now, isTrial: false, mediaMs: undefined };
    this.#waysMs = [];
  }

  frameShown(): void {
    this.#dueSince = undefined;
    this.#shownAt = performance.now();
  }

  /** How many frames the node made in the last second. */
  framesSent(count: number): void {
    const now = performance.now();
    if (count > 0 && now - this.#shownAt > toldLateMs) this.#dueSince ??= now;
  }

  measured(samples: readonly LatencySample[]): void {
    const ways = samples.map(({ totalMs, waitMs, grabMs, encodeMs }) => totalMs - waitMs - grabMs - encodeMs);
    this.#waysMs = [...this.#waysMs, ...ways].slice(-100);
  }

  /** The node or this browser refused it: whoever negotiates goes on with the next. */
  refused(kind: TransportKind): void {
    if (kind === this.#standing.kind) this.#choose(true, null);
  }

  /** It cannot go on. */
  broke(kind: TransportKind): void {
    if (kind !== this.#standing.kind) return;
    this.#choose(true, null);
    this.#options.change(this.#standing.kind);
  }

  /** Called each second. @param kind that is in use. */
  look(kind: TransportKind, path: Path): void {
    // A page that nobody sees shows nothing, and over a path that is broken nothing comes any way.
    if (document.visibilityState !== 'visible' || !path.isAlive) this.#waitAnew();
    this.#choose(false, path.roundTripMs);
    // Once more, where it could not be changed at once.
    if (kind !== this.#standing.kind) this.#options.change(this.#standing.kind);
  }

  /** If a frame is due, it is from now on. */
  #waitAnew(): void {
    if (this.#dueSince !== undefined) this.#dueSince = performance.now();
  }

  #choose(isBroken: boolean, roundTripMs: number | null): void {
    const now = performance.now();
    const waitedMs = this.#dueSince === undefined ? 0 : now - this.#dueSince;
    const { wanted } = this.#options;
    const conditions = { able: this.#able, wanted, isBroken, waitedMs, waysMs: this.#waysMs, roundTripMs };
    const former = this.#standing;
    this.#standing = chooseTransport(former, conditions, now);
    if (this.#standing.sinceMs === former.sinceMs) return;
    this.#waysMs = [];
    this.#waitAnew();
    // The same anew, where there is no other.
    if (!isBroken && this.#standing.kind === former.kind) this.#options.change(former.kind);
  }
}
