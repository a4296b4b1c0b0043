import type { ParticipantId, PathAnswer, PathReport, SessionId } from '@medusa/protocol';
import { brokerActor } from '../audit/index.ts';
import type { SlotStore } from '../capacity/index.ts';
import { PathReports } from './path-reports.ts';
import { incarnationOf, type SessionRecord } from './session-record.ts';
import type { SessionStates, SessionStatesDeps } from './session-states.ts';
import type { SessionViews } from './session-views.ts';
import { nextAttempt } from './transition.ts';

type RecoveryDeps = Pick<SessionStatesDeps, 'audit' | 'nodes' | 'now'> & {
  readonly states: SessionStates;
  readonly slots: Pick<SlotStore, 'release'>;
  readonly views: SessionViews;
  readonly place: () => Promise<void>;
};

type ToldPath = { readonly participantId: ParticipantId; readonly holdsFloor: boolean };

/** So often in a row a session is opened anew; a study that brings down one node after the other has to stop somewhere. */
const mostAttempts = 3;

/** What becomes of sessions whose render node is lost: they are opened on another one, as they were. */
export class Recovery {
  readonly #deps: RecoveryDeps;
  readonly #paths: PathReports;
  /** Lost here, and not yet seen to stream again. */
  readonly #awaited = new Set<SessionId>();

  constructor(deps: RecoveryDeps) {
    this.#deps = deps;
    this.#paths = new PathReports(deps);
    deps.states.events.on('streaming', (record) => {
      if (this.#awaited.delete(record.id)) deps.states.background(this.#record(record));
    });
    deps.states.events.on('ended', ({ id }) => {
      this.#awaited.delete(id);
      this.#paths.forget(id);
      deps.states.background(deps.views.forget(id));
    });
  }

  isSeen(id: SessionId): boolean {
    return this.#paths.isSeen(id);
  }

  /** What a viewer says of its path to the node. */
  async pathTold(
    id: SessionId,
    { participantId, holdsFloor }: ToldPath,
    report: PathReport,
  ): Promise<PathAnswer> {
    const record = await this.#deps.states.get(id);
    if (record.state !== 'streaming' && record.state !== 'suspended') return { outcome: 'kept' };
    const verdict = await this.#paths.heed(record, { participantId, state: report.state });
    if (verdict !== 'lost') return { outcome: verdict };
    // Who steered has seen what the node had no time to tell us.
    if (report.view && holdsFloor)
      this.#deps.views.told({
        ...{ sessionId: id, incarnation: incarnationOf(record), nodeId: null, view: report.view },
      });
    await this.lost(record, 'The render node does not answer any more');
    return { outcome: 'recovering' };
  }

  /** `record` as it was when the loss was noticed: what came after it is not undone. */
  async lost(record: SessionRecord, reason: string): Promise<void> {
    const { states, slots, views, now, place } = this.#deps;
    const { id } = record;
    const incarnation = incarnationOf(record);
    if (nextAttempt(record, now().toISOString()) > mostAttempts) {
      const often = `${reason}. It was opened anew ${mostAttempts} times before`;
      await states.fail(id, 'node.unreachable', often);
      return;
    }
    // Told of the life that ends here: later it would be refused.
    await views.latest(id);
    const losing = await states.attempt(id, { kind: 'lose', incarnation, reason });
    if (!losing) return;
    await slots.release(id);
    this.#paths.forget(id);
    this.#awaited.add(id);
    states.background(this.#record(losing));
    // A part of it may still run: a reader that lost its viewer, or a node that answers again.
    states.background(states.stopOnNodes(record, 'It goes on at another node'));
    await place();
  }

  async #record({ id, nodeId, recovery }: SessionRecord): Promise<void> {
    if (!recovery) return;
    const { attempt, reason, lostNodeId, recoveredAt, lostAt } = recovery;
    const seconds = recoveredAt === null ? 0 : (Date.parse(recoveredAt) - Date.parse(lostAt)) / 1_000;
    const fact =
      recoveredAt === null
        ? {
            ...({ action: 'session.node-lost', outcome: 'failure' } as const),
            detail: `${lostNodeId ?? 'no node'}: ${reason}; attempt ${attempt}`,
          }
        : {
            action: 'session.recovered' as const,
            detail: `on ${nodeId ?? ''} after ${seconds.toFixed(1)} s`,
          };
    await this.#deps.audit.record({ ...fact, actor: brokerActor, objectType: 'session', objectId: id });
  }
}
