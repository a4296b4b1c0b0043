/** `doubtful`: nothing came for a while, and it is being found out why. */
export type PathState = 'alive' | 'doubtful' | 'dead';

type Options = {
  /** Grows with whatever arrives from the render node, pictures or not; undefined as long as there is no path at all. */
  readonly readReceived: () => Promise<number | undefined>;
  /** Sends something that the node's end answers by itself, within a round trip. */
  readonly poke: () => void;
  readonly tell: (state: PathState) => void;
};

/** While something is drawn frames come all the time. A picture at rest should cost next to nothing. */
const quietMs = 1_300;
const lookMs = 250;
const answerMs = 600;
/**
 * A picture at rest is silent: most answers come before that, and nobody need hear of the question. SCTP answers what asks for nothing else
 * after 200 ms (RFC 9260 §6.2).
 */
const doubtMs = 330;
const pollMs = 60;
/** So long after it was found dead it is looked at again. */
const againMs = 2_000;

/**
 * Whether the path to the render node is alive: what the browser itself says of it comes seconds later, which is long for somebody who
 * waits for a picture. What arrives proves it; after silence, or when somebody asks, it is poked once and has to answer.
 */
export class PathWatch implements Disposable {
  readonly #options: Options;
  readonly #timer: ReturnType<typeof setInterval>;
  #heardAt: number | undefined;
  #checkedAt = 0;
  #checking: Promise<PathState> | undefined;
  #isAsked = false;
  #state: PathState = 'alive';

  constructor(options: Options) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Something came from the node. */
  heard(): void {
    this.#heardAt = performance.now();
    if (this.#state === 'dead') this.#set('alive');
  }

  /** Another path begins: what was found out of the former one does not count. */
  startAnew(): void {
    this.#heardAt = undefined;
    this.#state = 'alive';
  }

  /** Finds out and tells, also when nothing is new. */
  async check(): Promise<PathState> {
    this.#isAsked = true;
    return this.#check();
  }

  async #check(): Promise<PathState> {
    this.#checking ??= this.#find().finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  #look(): void {
    const now = performance.now();
    const quietFor = this.#heardAt === undefined ? 0 : now - this.#heardAt;
    if (quietFor < quietMs || (this.isDead && now - this.#checkedAt < againMs)) return;
    void this.#check();
  }

  async #find(): Promise<PathState> {
    const found = await this.#probe();
    this.#checkedAt = performance.now();
    if (found === 'alive') this.#heardAt = this.#checkedAt;
    // What went without a doubt and without a question is no news.
    if (found === 'dead' || this.#state !== 'alive' || this.#isAsked) this.#set(found);
    this.#isAsked = false;
    return found;
  }

  async #probe(): Promise<PathState> {
    const startedAt = performance.now();
    const before = await this.#read();
    if (before !== undefined) this.#options.poke();
    while (performance.now() - startedAt < answerMs) {
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      if (this.#heardAt !== undefined && this.#heardAt > startedAt) return 'alive';
      const received = await this.#read();
      if (before !== undefined && received !== undefined && received > before) return 'alive';
      if (this.#state === 'alive' && performance.now() - startedAt >= doubtMs) this.#set('doubtful');
    }
    return 'dead';
  }

  async #read(): Promise<number | undefined> {
    return this.#options.readReceived().catch(() => undefined);
  }

  #set(state: PathState): void {
    this.#state = state;
    this.#options.tell(state);
  }
}

/** What one end has received in all, of any kind, by the statistics of its connections. */
export function receivedIn(reports: readonly RTCStatsReport[]): number {
  let received = 0;
  for (const report of reports)
    for (const entry of report.values() as Iterable<Readonly<Record<string, unknown>>>) {
      if (entry['type'] === 'transport') received += numberOf(entry['bytesReceived']);
      // Answers to the browser's own checks of the path are not among those bytes.
      if (entry['type'] === 'candidate-pair') received += numberOf(entry['responsesReceived']);
    }
  return received;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
