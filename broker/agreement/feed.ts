import type { NodeView } from '@medusa/protocol';
import type { SessionRecord } from '../session/index.ts';
import type { IndicatorEvent } from './evaluation/index.ts';

/** What one session tells of the service: how long its start took, whether it came to be at all. Told again, the ids are the same. */
export function sessionIndicators(session: SessionRecord): readonly IndicatorEvent[] {
  if (session.mode !== 'streamed') return [];
  const { id, state, createdAt, streamingAt, closedAt, steps } = session;
  const createdMs = Date.parse(createdAt);
  const told = (name: string, atMs: number, value: number): IndicatorEvent => ({
    ...{ id: `session:${id}:${name}`, indicator: name, atMs, value },
    ...{ service: session.applicationId, item: id, conditions: conditionsOf(session) },
  });
  const firstFrame = steps.find(({ step }) => step === 'first-frame');
  const endMs = closedAt === null ? createdMs : Date.parse(closedAt);
  // One that its user gave up before it streamed says nothing about either party.
  const isJudged = state === 'failed' || (state === 'closed' && streamingAt !== null);
  return [
    ...(streamingAt === null
      ? []
      : [
          told(
            'session.start.seconds',
            Date.parse(streamingAt),
            (Date.parse(streamingAt) - createdMs) / 1000,
          ),
        ]),
    ...(firstFrame && streamingAt !== null
      ? [told('first.image.seconds', createdMs + Math.round(firstFrame.endMs), firstFrame.endMs / 1000)]
      : []),
    ...(isJudged ? [told('session.availability', endMs, state === 'closed' ? 1 : 0)] : []),
  ];
}

function conditionsOf({ deviceVerdict }: SessionRecord): IndicatorEvent['conditions'] {
  return deviceVerdict === undefined ? {} : { 'device.tier': deviceVerdict };
}

const minuteMs = 60_000;

/**
 * Whether each node was there in one minute. Who has its link says so for the minute that runs; that it was lost is said for the minute
 * before, under the same id: with several brokers the word of the one that has the link came first, and counts.
 */
export function nodeIndicators(nodes: readonly NodeView[], nowMs: number): readonly IndicatorEvent[] {
  const minute = Math.floor(nowMs / minuteMs);
  return nodes.flatMap(({ id, kind, state }): readonly IndicatorEvent[] => {
    const isThere = state === 'ready' || state === 'draining';
    if (!isThere && state !== 'lost') return [];
    const of = isThere ? minute : minute - 1;
    const indicator = kind === 'storage' ? 'scp.availability' : 'node.availability';
    const facts = {
      indicator,
      atMs: of * minuteMs,
      value: isThere ? 1 : 0,
      service: kind,
      item: id,
      conditions: {},
    };
    return [{ id: `node:${id}:${of}`, ...facts }];
  });
}

type SeatTaken = {
  readonly sessionId: string;
  readonly participantId: string;
  readonly at: Date;
  readonly joinMs: number;
};

/** How long somebody waited for a seat. */
function seatIndicators({ sessionId, participantId, at, joinMs }: SeatTaken): readonly IndicatorEvent[] {
  const id = `seat:${participantId}:room.join.seconds`;
  const facts = { service: 'room', item: sessionId, conditions: {} };
  return [{ id, indicator: 'room.join.seconds', atMs: at.getTime(), value: joinMs / 1000, ...facts }];
}

type Listen<Name extends string, Told> = {
  on(name: Name, listener: (told: Told) => void): Disposable;
};

/** Records what sessions and rooms tell, as it happens. Dispose to stop. */
export function followIndicators(deps: {
  readonly sessions: Listen<'streaming' | 'ended', SessionRecord>;
  readonly rooms: Listen<'joined', SeatTaken>;
  readonly record: (events: readonly IndicatorEvent[]) => Promise<unknown>;
  readonly report: (error: unknown) => void;
}): Disposable {
  const tell = (events: readonly IndicatorEvent[]): void => void deps.record(events).catch(deps.report);
  const listening = new DisposableStack();
  for (const name of ['streaming', 'ended'] as const)
    listening.use(deps.sessions.on(name, (session) => tell(sessionIndicators(session))));
  listening.use(deps.rooms.on('joined', (seat) => tell(seatIndicators(seat))));
  return listening;
}
