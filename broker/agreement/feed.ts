import type { FrameLatency, NodeView } from '@medusa/protocol';
import { kbpsOf, type SessionRecord, type StudyRead } from '../session/index.ts';
import type { IndicatorEvent } from './evaluation/index.ts';

/** Where a session runs: the provider of its node, and the services that this node is a part of. */
export type SessionPlace = { readonly provider: string | null; readonly services: readonly string[] };

/** What one session tells of the service: how long its start took, whether it came to be at all. Told again, the ids are the same. */
export function sessionIndicators(session: SessionRecord, place: SessionPlace): readonly IndicatorEvent[] {
  if (session.mode !== 'streamed') return [];
  const { state, createdAt, streamingAt, closedAt } = session;
  const endMs = Date.parse(closedAt ?? createdAt);
  // One that its user gave up before it streamed says nothing about either party.
  const isJudged = state === 'failed' || (state === 'closed' && streamingAt !== null);
  const value = state === 'closed' ? 1 : 0;
  return [
    ...(streamingAt === null ? [] : startFacts(session, Date.parse(streamingAt))),
    ...(isJudged ? [{ name: 'session.availability', atMs: endMs, value }] : []),
  ].flatMap((fact) => toldOf(session, place, { key: fact.name, ...fact }));
}

/** Of one that streamed. */
function startFacts(
  { createdAt, steps, lanMbps }: SessionRecord,
  streamingMs: number,
): readonly Omit<Told, 'key'>[] {
  const createdMs = Date.parse(createdAt);
  const firstFrame = steps.find(({ step }) => step === 'first-frame');
  const seconds = (streamingMs - createdMs) / 1000;
  return [
    ...(lanMbps === undefined ? [] : [{ name: 'lan.mbps', atMs: createdMs, value: lanMbps }]),
    { name: 'session.start.seconds', atMs: streamingMs, value: seconds },
    ...(firstFrame
      ? [
          {
            name: 'first.image.seconds',
            atMs: createdMs + Math.round(firstFrame.endMs),
            value: firstFrame.endMs / 1000,
          },
        ]
      : []),
  ];
}

/** How fast the study came over the path from its storage node. */
export function readIndicators(
  session: SessionRecord,
  place: SessionPlace,
  read: StudyRead,
): readonly IndicatorEvent[] {
  const name = 'study.read.mbps';
  const atMs = read.at.getTime();
  return toldOf(session, place, { key: `${name}:${atMs}`, name, atMs, value: kbpsOf(read) / 1_000 });
}

/** Whoever tells it, and how often: of ten seconds of a session one picture counts. */
const frameSlotMs = 10_000;

/** How long pictures took, as viewers told it. What was before the session streamed, or is yet to come, is not of it. */
export function frameIndicators(
  session: SessionRecord,
  place: SessionPlace,
  { samples, nowMs }: { readonly samples: readonly FrameLatency[]; readonly nowMs: number },
): readonly IndicatorEvent[] {
  const name = 'frame.latency.ms';
  const sinceMs = session.streamingAt === null ? Infinity : Date.parse(session.streamingAt);
  const slots = new Map(
    samples
      .map(({ agoMs, latencyMs }) => ({ atMs: Math.round(nowMs - agoMs), value: latencyMs }))
      .filter(({ atMs }) => atMs >= sinceMs)
      .map((sample) => [Math.floor(sample.atMs / frameSlotMs), sample] as const),
  );
  return [...slots].flatMap(([slot, sample]) =>
    toldOf(session, place, { key: `${name}:${slot}`, name, ...sample }),
  );
}

type Told = {
  /** Of its kind, in its session. */
  readonly key: string;
  readonly name: string;
  readonly atMs: number;
  readonly value: number;
};

/** Once as the application's, and once as that of each service on whose node the session runs. */
function toldOf(
  session: SessionRecord,
  place: SessionPlace,
  { key, name, atMs, value }: Told,
): readonly IndicatorEvent[] {
  const { id: item, applicationId } = session;
  const id = `session:${item}:${key}`;
  const fact = { indicator: name, atMs, value, item, conditions: conditionsOf(session, place) };
  const services = place.services.filter((service) => service !== applicationId);
  return [
    { id, service: applicationId, ...fact },
    ...services.map((service) => ({ id: `${id}@${service}`, service, ...fact })),
  ];
}

function conditionsOf(
  { deviceVerdict, lanMbps, nodeId }: SessionRecord,
  { provider }: SessionPlace,
): IndicatorEvent['conditions'] {
  return {
    ...(deviceVerdict === undefined ? {} : { 'device.tier': deviceVerdict }),
    ...(lanMbps === undefined ? {} : { 'lan.mbps': lanMbps }),
    ...(nodeId === null ? {} : { node: nodeId }),
    ...(provider === null ? {} : { provider }),
  };
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

type Listen<Events extends Readonly<Record<string, readonly unknown[]>>> = {
  on<Name extends keyof Events>(name: Name, listener: (...told: Events[Name]) => void): Disposable;
};

/** Records what sessions and rooms tell, as it happens. Dispose to stop. */
export function followIndicators(deps: {
  readonly sessions: Listen<{
    streaming: [SessionRecord];
    ended: [SessionRecord];
    read: [SessionRecord, StudyRead];
  }>;
  readonly rooms: Listen<{ joined: [SeatTaken] }>;
  readonly placeOf: (session: SessionRecord) => Promise<SessionPlace>;
  readonly record: (events: readonly IndicatorEvent[]) => Promise<unknown>;
  readonly report: (error: unknown) => void;
}): Disposable {
  const tell = (events: readonly IndicatorEvent[]): void => void deps.record(events).catch(deps.report);
  const tellOf = (
    session: SessionRecord,
    indicators: (place: SessionPlace) => readonly IndicatorEvent[],
  ): void =>
    void deps
      .placeOf(session)
      .then((place) => tell(indicators(place)))
      .catch(deps.report);
  const listening = new DisposableStack();
  for (const name of ['streaming', 'ended'] as const)
    listening.use(
      deps.sessions.on(name, (session) => tellOf(session, (place) => sessionIndicators(session, place))),
    );
  listening.use(
    deps.sessions.on('read', (session, read) =>
      tellOf(session, (place) => readIndicators(session, place, read)),
    ),
  );
  listening.use(deps.rooms.on('joined', (seat) => tell(seatIndicators(seat))));
  return listening;
}
