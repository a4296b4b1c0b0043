import type { NodeId, ParticipantId, PathReport, SessionId } from '@medusa/protocol';
import type { NodeRegistry } from '../node/index.ts';
import type { SessionRecord } from './session-record.ts';

/** `lost`: nobody and nothing speaks for the node any more. `own-path`: what is broken lies between it and the one who told. */
type PathVerdict = 'kept' | 'own-path' | 'lost';

type Nodes = Pick<NodeRegistry, 'hasLink' | 'answers' | 'cut' | 'lastHeard' | 'linkGoneAt'>;
type Options = { readonly nodes: Nodes; readonly now: () => Date };
type Told = { readonly participantId: ParticipantId; readonly state: PathReport['state'] };

/** A node that has a link and does not answer in this time does not answer at all. */
const answerMs = 1_000;
/** How long it counts that a viewer had a picture. Viewers say it again sooner than that. */
const seenMs = 15_000;
/** Against the word of one whose picture is gone, another's counts only when it is fresh. */
const freshMs = 2_000;

/**
 * What viewers say of their paths to the render nodes, and what follows. Media does not cross the broker: a node without a link is lost
 * only when a viewer has no picture either, and a viewer without a picture has lost its node only when the node does not answer.
 */
export class PathReports {
  readonly #nodes: Nodes;
  readonly #now: () => Date;
  readonly #seen = new Map<SessionId, Map<ParticipantId, number>>();
  readonly #asked = new Map<NodeId, { readonly atMs: number; readonly answers: Promise<boolean> }>();

  constructor({ nodes, now }: Options) {
    this.#nodes = nodes;
    this.#now = now;
  }

  async heed(record: SessionRecord, { participantId, state }: Told): Promise<PathVerdict> {
    const { id, nodeId } = record;
    if (nodeId === null) return 'kept';
    if (state === 'alive') {
      const seen = this.#seen.get(id) ?? new Map<ParticipantId, number>();
      this.#seen.set(id, seen.set(participantId, this.#nowMs()));
      return 'kept';
    }
    const answers = this.#nodes.hasLink(nodeId) ? this.#ask(nodeId, id) : this.#isLinkedElsewhere(nodeId);
    if (state === 'doubtful') {
      // It is asked already now, so that its answer is there when the doubt becomes certain.
      answers.catch(() => undefined);
      return 'kept';
    }
    this.#seen.get(id)?.delete(participantId);
    if (this.#isSeenWithin(id, freshMs) || (await answers)) return 'own-path';
    this.#nodes.cut(nodeId);
    return 'lost';
  }

  /** Whether some viewer had a picture lately. */
  isSeen(id: SessionId): boolean {
    return this.#isSeenWithin(id, seenMs);
  }

  forget(id: SessionId): void {
    this.#seen.delete(id);
  }

  #isSeenWithin(id: SessionId, ms: number): boolean {
    const since = this.#nowMs() - ms;
    return [...(this.#seen.get(id)?.values() ?? [])].some((atMs) => atMs >= since);
  }

  /** All who doubt in the same moment wait for the same answer. */
  async #ask(nodeId: NodeId, sessionId: SessionId): Promise<boolean> {
    const nowMs = this.#nowMs();
    const known = this.#asked.get(nodeId);
    if (known && nowMs - known.atMs < answerMs) return known.answers;
    const answers = this.#nodes.answers(nodeId, sessionId, answerMs);
    this.#asked.set(nodeId, { atMs: nowMs, answers });
    return answers;
  }

  /** A node that has dialled another broker since its link here went was heard there. */
  async #isLinkedElsewhere(nodeId: NodeId): Promise<boolean> {
    const goneAt = this.#nodes.linkGoneAt(nodeId)?.getTime() ?? this.#nowMs() - seenMs;
    const heardAt = (await this.#nodes.lastHeard([nodeId])).get(nodeId)?.getTime() ?? 0;
    return heardAt > goneAt;
  }

  #nowMs(): number {
    return this.#now().getTime();
  }
}
