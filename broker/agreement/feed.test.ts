import type { NodeView } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import type { SessionRecord, StudyRead } from '../session/index.ts';
import type { IndicatorEvent } from './index.ts';
import { TypedEmitter } from '@medusa/kernel';
import {
  followIndicators,
  frameIndicators,
  nodeIndicators,
  readIndicators,
  sessionIndicators,
} from './feed.ts';

const session = {
  id: 's1',
  mode: 'streamed',
  applicationId: 'workstation',
  state: 'streaming',
  createdAt: '2026-03-01T10:00:00.000Z',
  streamingAt: '2026-03-01T10:00:01.500Z',
  closedAt: null,
  steps: [{ step: 'first-frame', startMs: 900, endMs: 1400 }],
  deviceVerdict: 'production',
  nodeId: 'reading-viewer',
} as unknown as SessionRecord;
const place = { provider: 'north', services: [] };
const told = (change: Partial<SessionRecord>): unknown =>
  sessionIndicators({ ...session, ...change }, place).map(({ indicator, value }) => [indicator, value]);

describe('a session', () => {
  it('tells how long its start took, and on which device, once it streams', () => {
    expect(told({})).toEqual([
      ['session.start.seconds', 1.5],
      ['first.image.seconds', 1.4],
    ]);
    expect(sessionIndicators(session, place)[0]).toMatchObject({
      ...{ id: 'session:s1:session.start.seconds', service: 'workstation', item: 's1' },
      conditions: { 'device.tier': 'production', node: 'reading-viewer', provider: 'north' },
    });
  });

  it('tells what the device check measured of the network, as a figure and as a circumstance of all others', () => {
    expect(told({ lanMbps: 87 })).toContainEqual(['lan.mbps', 87]);
    expect(told({ lanMbps: 87, streamingAt: null })).toEqual([]);
    expect(sessionIndicators({ ...session, lanMbps: 87 }, place)[1]?.conditions).toMatchObject({
      'lan.mbps': 87,
    });
  });

  it('tells how long pictures took: one of ten seconds, and only while it streamed', () => {
    const nowMs = Date.parse('2026-03-01T10:01:00.000Z');
    const samples = [
      { agoMs: 1_000, latencyMs: 45 },
      { agoMs: 1_500, latencyMs: 300 },
      { agoMs: 15_000, latencyMs: 60.5 },
      { agoMs: 100_000, latencyMs: 10 },
    ];
    const events = frameIndicators(session, place, { samples, nowMs });

    expect(events).toMatchObject([
      { indicator: 'frame.latency.ms', value: 300, atMs: nowMs - 1_500, item: 's1' },
      { indicator: 'frame.latency.ms', value: 60.5, atMs: nowMs - 15_000 },
    ]);
    const again = frameIndicators(session, place, { samples: samples.slice(0, 1), nowMs });
    expect(again[0]?.id).toBe(events[0]?.id);
    expect(frameIndicators({ ...session, streamingAt: null }, place, { samples, nowMs })).toEqual([]);
  });

  it('on a node of a service tells the same of that service, under an id of its own', () => {
    const events = sessionIndicators(session, { ...place, services: ['reading', 'workstation'] });

    expect(events.map(({ id, service }) => [id, service])).toEqual([
      ['session:s1:session.start.seconds', 'workstation'],
      ['session:s1:session.start.seconds@reading', 'reading'],
      ['session:s1:first.image.seconds', 'workstation'],
      ['session:s1:first.image.seconds@reading', 'reading'],
    ]);
  });

  it('tells how fast it read the study, each stretch under an id of its own', () => {
    const at = new Date('2026-03-01T10:00:05.000Z');
    const read = { at, bytes: 5_000_000, waitedMs: 400 };

    expect(readIndicators(session, place, read)).toMatchObject([
      {
        ...{ id: `session:s1:study.read.mbps:${at.getTime()}`, indicator: 'study.read.mbps', value: 100 },
        ...{ atMs: at.getTime(), service: 'workstation', item: 's1' },
      },
    ]);
  });

  it('was available when it was closed, and was not when it failed', () => {
    const closedAt = '2026-03-01T11:00:00.000Z';
    expect(told({ state: 'closed', closedAt })).toContainEqual(['session.availability', 1]);
    expect(told({ state: 'failed', closedAt, streamingAt: null })).toEqual([['session.availability', 0]]);
    expect(told({ state: 'closed', closedAt, streamingAt: null })).toEqual([]);
    expect(told({ mode: 'local' })).toEqual([]);
  });
});

describe('a node', () => {
  const nowMs = Date.UTC(2026, 2, 1, 10, 5, 30);
  const node = (id: string, kind: NodeView['kind'], state: NodeView['state']): NodeView =>
    ({ id, kind, state }) as NodeView;

  it('is there in this minute, or was lost in the one before', () => {
    const nodes = [node('r', 'render', 'ready'), node('s', 'storage', 'lost'), node('x', 'render', 'absent')];
    expect(nodeIndicators(nodes, nowMs)).toMatchObject([
      { indicator: 'node.availability', item: 'r', value: 1, atMs: Date.UTC(2026, 2, 1, 10, 5) },
      { indicator: 'scp.availability', item: 's', value: 0, atMs: Date.UTC(2026, 2, 1, 10, 4) },
    ]);
  });

  it('that one broker has and another has lost was there', () => {
    const [there] = nodeIndicators([node('r', 'render', 'ready')], nowMs);
    const [lost] = nodeIndicators([node('r', 'render', 'lost')], nowMs + 60_000);
    expect(lost?.id).toBe(there?.id);
  });
});

describe('followIndicators', () => {
  it('records what is told until it is disposed, and reports what could not be recorded', async () => {
    const fail = (error: unknown): void => {
      throw error;
    };
    const sessions = new TypedEmitter<{
      streaming: [SessionRecord];
      ended: [SessionRecord];
      read: [SessionRecord, StudyRead];
    }>(fail);
    const rooms = new TypedEmitter<{
      joined: [{ sessionId: string; participantId: string; at: Date; joinMs: number }];
    }>(fail);
    const recorded: IndicatorEvent[] = [];
    const reported = Promise.withResolvers<unknown>();
    const record = async (events: readonly IndicatorEvent[]): Promise<void> => {
      if (events.some(({ indicator }) => indicator === 'room.join.seconds')) throw new Error('no database');
      recorded.push(...events);
    };
    const placeOf = async (): Promise<typeof place> => place;
    const following = followIndicators({ sessions, rooms, placeOf, record, report: reported.resolve });

    sessions.emit('streaming', session);
    sessions.emit('read', session, { at: new Date(1), bytes: 1_000_000, waitedMs: 10 });
    rooms.emit('joined', { sessionId: 's1', participantId: 'p', at: new Date(0), joinMs: 120 });
    expect(await reported.promise).toEqual(new Error('no database'));
    following[Symbol.dispose]();
    sessions.emit('ended', session);

    await expect.poll(() => recorded).toHaveLength(3);
  });
});
