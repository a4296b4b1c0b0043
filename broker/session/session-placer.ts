import { inBatches } from '@medusa/kernel';
import { nodeIdSchema, type Application, type NodeId, type Placement } from '@medusa/protocol';
import type { Reserving, SlotStore } from '../capacity/index.ts';
import { zoneOf } from '../node/index.ts';
import type { Candidate, LinkBook, PlacementNeed } from '../placement/index.ts';
import { chooseNodes, chooseTogether, needOf } from './session-choice.ts';
import { asWhole, chooseParts, type PartsChoice } from './session-parts.ts';
import {
  admitWaiting,
  describeQueue,
  isSameQueue,
  toCandidates,
  type Surroundings,
} from './session-queue.ts';
import { slotStates, waitingStates, type SessionRecord } from './session-record.ts';
import { startOnNode, type SessionStartDeps } from './session-start.ts';
import type { SessionStatesDeps } from './session-states.ts';

export type SessionPlacerDeps = SessionStartDeps &
  Pick<SessionStatesDeps, 'store' | 'now'> & {
    readonly slots: SlotStore;
    readonly links: LinkBook;
    readonly reserving: Pick<Reserving, 'list'>;
  };

type Turn = {
  readonly record: SessionRecord;
  /** Null: its storage node is not connected. */
  readonly need: PlacementNeed | null;
  readonly preferred: NodeId | undefined;
};

type Waits = { readonly reason: string; readonly untilMs: null };

const waits = (reason: string): Waits => ({ reason, untilMs: null });

/** Gives the waiting sessions their places, in the order in which they are admitted, and starts them there. */
export class SessionPlacer {
  readonly #deps: SessionPlacerDeps;

  constructor(deps: SessionPlacerDeps) {
    this.#deps = deps;
  }

  /** One pass over all who wait. Passes of one broker never overlap; those of others meet at the slots. */
  async place(): Promise<void> {
    await this.#pass(null);
  }

  /** Whoever asks while one is under way gets the next one, with all the others who did. */
  readonly #pass = inBatches(async (asked: readonly null[]) => {
    await this.#placeWaiting();
    return asked;
  });

  async #placeWaiting(): Promise<void> {
    const { store } = this.#deps;
    const waiting = (await store.list({ states: waitingStates })).filter(({ mode }) => mode === 'streamed');
    if (waiting.length === 0) return;
    const around = await this.#look();
    const admissions = admitWaiting(waiting, around);
    const admitted = admissions.flatMap(({ kind, applicant }) =>
      kind === 'admitted' ? applicant.record : [],
    );
    const turns = this.#prepare(admitted, around.candidates);
    const candidates = [...around.candidates];
    let position = 0;
    for (const admission of admissions) {
      const { record } = admission.applicant;
      const obstacle =
        admission.kind === 'waits' ? admission : await this.#placeOne(turns.get(record.id), candidates);
      if (obstacle === null) continue;
      position += 1;
      const queue = describeQueue({ ...obstacle, position }, around);
      if (!isSameQueue(record.queue, queue))
        await this.#deps.states.attempt(record.id, { kind: 'queue', queue });
    }
  }

  async #look(): Promise<Surroundings> {
    const { store, nodes, slots, reserving, now } = this.#deps;
    const [holding, recentSeconds, used, reservations] = await Promise.all([
      store.list({ states: slotStates }),
      store.recentSeconds(20),
      slots.used(),
      reserving.list(),
    ]);
    const candidates = toCandidates(nodes.views(), used, ({ id }) => nodes.takesSessions(id));
    return { candidates, holding, recentSeconds, reservations, now: now() };
  }

  #prepare(admitted: readonly SessionRecord[], candidates: readonly Candidate[]): ReadonlyMap<string, Turn> {
    const { nodes, links } = this.#deps;
    const zones = new Set(candidates.map(({ zone }) => zone));
    const asked = admitted.map((record) => {
      const storage = nodes.storageUrl(nodeIdSchema.parse(record.storageNodeId));
      const application = this.#applicationOf(record);
      return {
        record,
        need: storage ? needOf(record, { storageUrl: storage.baseUrl, zones, links, application }) : null,
      };
    });
    const placeable = asked.flatMap(({ record, need }) => (need ? [{ record, need }] : []));
    const together = chooseTogether(
      placeable.map(({ need }) => need),
      candidates,
    );
    const preferred = new Map(placeable.map(({ record }, row) => [record.id, together[row]]));
    return new Map(
      asked.map((turn) => [turn.record.id, { ...turn, preferred: preferred.get(turn.record.id) }]),
    );
  }

  /** Null when it has its place; otherwise why it has none. */
  async #placeOne(turn: Turn | undefined, candidates: Candidate[]): Promise<Waits | null> {
    if (!turn?.need) return waits('The storage node with the study is not connected');
    const { record, need, preferred } = turn;
    const parts = this.#choosePartsOf(record, need, candidates);
    if (parts?.reader) return this.#placeParts(record, parts, candidates);
    const choice = chooseNodes(need, candidates, preferred);
    if (choice.kind === 'none') return waits(choice.reason);
    const nodeId = await this.#deps.slots.claim(record.id, choice.offers);
    if (nodeId === undefined) return this.#overtaken(record);
    const placement = parts ? asWhole(choice.explain(nodeId), parts.split) : choice.explain(nodeId);
    countSlot(candidates, nodeId);
    if (!(await this.#take(record, placement))) await this.#deps.slots.release(record.id);
    return null;
  }

  /** Another broker was quicker with this session, or with the last slots. */
  async #overtaken({ id }: SessionRecord): Promise<Waits | null> {
    const { state } = await this.#deps.states.get(id);
    const isWaiting = waitingStates.some((each) => each === state);
    return isWaiting ? waits('The free slots were taken at this moment') : null;
  }

  #applicationOf({ applicationId }: SessionRecord): Application | undefined {
    return this.#deps.applications.find(({ id }) => id === applicationId);
  }

  /** Undefined when its application cannot be split. */
  #choosePartsOf(
    record: SessionRecord,
    need: PlacementNeed,
    candidates: readonly Candidate[],
  ): PartsChoice | undefined {
    const { nodes, links } = this.#deps;
    const storage = nodes.view(nodeIdSchema.parse(record.storageNodeId));
    if (this.#applicationOf(record)?.canSplit !== true || !storage) return undefined;
    return chooseParts({ record, need, links, dataZone: zoneOf(storage) }, candidates);
  }

  /** It has both slots or none. */
  async #placeParts(
    record: SessionRecord,
    { reader, viewer, placement }: Extract<PartsChoice, { reader: Candidate }>,
    candidates: Candidate[],
  ): Promise<Waits | null> {
    const { slots } = this.#deps;
    if ((await slots.claim(record.id, [viewer])) === undefined) return this.#overtaken(record);
    if ((await slots.claim(record.id, [reader], 'reader')) === undefined) {
      await slots.release(record.id);
      return this.#overtaken(record);
    }
    countSlot(candidates, viewer.nodeId);
    countSlot(candidates, reader.nodeId);
    if (!(await this.#take(record, placement))) await slots.release(record.id);
    return null;
  }

  /** False when it was closed while it waited. */
  async #take(record: SessionRecord, placement: Placement): Promise<boolean> {
    const { states } = this.#deps;
    const startMs = states.sinceRequest(record);
    if (record.state !== 'placing' && !(await states.attempt(record.id, { kind: 'begin-placing' })))
      return false;
    if (!(await states.attempt(record.id, { kind: 'place', placement }))) return false;
    if (record.state === 'queued') await states.step(record, { step: 'queue', startMs: 0 });
    await states.step(record, { step: 'placement', startMs });
    states.background(startOnNode(this.#deps, record.id));
    return true;
  }
}

/** For those who come later in the same pass. */
function countSlot(candidates: Candidate[], nodeId: NodeId): void {
  const index = candidates.findIndex((candidate) => candidate.nodeId === nodeId);
  const candidate = candidates[index];
  if (candidate) candidates[index] = { ...candidate, usedSlots: candidate.usedSlots + 1 };
}
