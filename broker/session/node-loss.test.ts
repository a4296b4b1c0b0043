import {
  launchResponseSchema,
  sessionViewSchema,
  type ParticipantId,
  type PathReport,
  type SessionId,
  type SessionView,
  type ViewState,
} from '@medusa/protocol';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  connectRenderNode,
  connectStorageNode,
  testStudy,
  type FakeRenderNode,
} from '../support/fake-nodes.ts';
import { connectClient, valueOf } from '../support/test-client.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait.ts';

let database: TestDatabase;
let test: AsyncDisposableStack;
let broker: TestBroker;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database[Symbol.asyncDispose]());
beforeEach(async () => {
  test = new AsyncDisposableStack();
  // Nothing here may depend on a heartbeat that is missed.
  broker = test.use(await startTestBroker(database, { heartbeatMs: 60_000 }));
  test.use(await connectStorageNode(broker, [testStudy(1)]));
});
afterEach(async () => test.disposeAsync());

type Viewer = {
  readonly you: ParticipantId;
  readonly id: SessionId;
  readonly says: (report: PathReport) => Promise<string>;
  readonly socket: Awaited<ReturnType<typeof connectClient>>['socket'];
};

type Scene = Viewer & { readonly lost: FakeRenderNode; readonly other: FakeRenderNode };

/** Rosa reads a study on one of two nodes, and has told them apart. */
async function openOnOneOfTwo(): Promise<Scene> {
  const nodes = [
    test.use(await connectRenderNode(broker, { id: 'render-1' })),
    test.use(await connectRenderNode(broker, { id: 'render-2' })),
  ];
  const viewer = await openAsRosa();
  const { nodeId } = await untilState(viewer.id, 'streaming');
  const [lost, other] = nodeId === 'render-1' ? nodes : [...nodes].reverse();
  if (!lost || !other) throw new Error('no nodes');
  return { ...viewer, lost, other };
}

async function openAsRosa(): Promise<Viewer> {
  const token = await broker.token('rosa');
  const answer = await broker.call('POST', '/api/sessions', { token, body: { studyInstanceUID: '1.2.3.1' } });
  const { session } = launchResponseSchema.parse(answer.body);
  await untilState(session.id, 'streaming');
  return sit('rosa', session.id);
}

async function sit(user: 'rosa' | 'dirk', id: SessionId): Promise<Viewer> {
  const { socket } = test.use(await connectClient(broker, user));
  const { you } = valueOf(await socket.emitWithAck('room.join', { sessionId: id }));
  const says = async (report: PathReport): Promise<string> =>
    valueOf(await socket.emitWithAck('stream.path', report)).outcome;
  return { you, id, says, socket };
}

async function read(id: string): Promise<SessionView> {
  const { body } = await broker.call('GET', `/api/sessions/${id}`, { token: await broker.token('ada') });
  return sessionViewSchema.parse(body);
}

async function untilState(id: string, state: SessionView['state']): Promise<SessionView> {
  return waitFor(`the session to be ${state}`, async () => {
    const session = await read(id);
    return session.state === state ? session : undefined;
  });
}

function viewAt(revision: number, sliceIndex: number): ViewState {
  const rectangle = { x: 0, y: 0, width: 100, height: 100 };
  return {
    ...{ revision, studyInstanceUID: '1.2.3.1', layout: 'stack', tool: 'Length', rendering: 'cpu' },
    ...{ activeViewportId: 'stack', ready: true, measurements: [] },
    viewports: [
      {
        ...{ id: 'stack', kind: 'stack', rectangle, imageRectangle: rectangle, seriesInstanceUID: '1.2.4' },
        ...{ sopInstanceUID: '1.2.5', frame: 1, sliceIndex, sliceCount: 60, windowCenter: 40 },
        ...{ windowWidth: 400, zoom: 2, invert: true },
      },
    ],
    resumption: {
      ...{
        page: { widthPx: 1_000, heightPx: 640 },
        viewpoints: [],
        isMaximised: false,
        isWindowChosen: true,
      },
      ...{ stackIndex: sliceIndex, isRailHidden: false, annotations: [] },
    },
  };
}

async function keptViews(): Promise<{ session_id: string; revision: string }[]> {
  const client = new Client({ connectionString: broker.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ session_id: string; revision: string }>(
      'select session_id, revision from session_view',
    );
    return rows;
  } finally {
    await client.end();
  }
}

describe('a session whose render node is lost', () => {
  it('goes on at another one, as it was, in the same room, and its former life is ended', async () => {
    const { id, you, says, lost, other, socket } = await openOnOneOfTwo();
    const states: string[] = [];
    socket.on('session.changed', ({ state }) => states.push(state));
    lost.showView({ sessionId: id, view: viewAt(7, 20) });
    const linkGone = new Promise((resolve) => socket.once('stream.node-link', resolve));
    lost.disconnect();
    expect(await linkGone).toEqual({ isUp: false });

    // The viewer has seen one state more than the broker was told.
    expect(await says({ state: 'dead', view: viewAt(8, 21) })).toBe('recovering');

    const session = await untilState(id, 'streaming');
    const [start] = other.commandsNamed('session.start');
    expect(start?.payload).toMatchObject({
      ...{ sessionId: id, incarnation: 2, widthPx: 1_000, heightPx: 640 },
      view: viewAt(8, 21),
    });
    expect(session.recovery).toMatchObject({
      ...{ attempt: 1, reason: 'The render node does not answer any more' },
      recoveredAt: expect.any(String) as string,
    });
    expect(states).toEqual(expect.arrayContaining(['placing', 'provisioning', 'starting', 'streaming']));
    await waitFor('the new node to learn who steers', () =>
      other.commandsNamed('session.set-controller').find(({ payload }) => payload['participantId'] === you),
    );
    const again = valueOf(await socket.emitWithAck('room.join', { sessionId: id, participantId: you }));
    expect(again).toMatchObject({ you, room: { floorHolder: you } });

    await lost.connect();
    const stop = await waitFor('the stop', () => lost.commandsNamed('session.stop')[0]);
    expect(stop.payload).toEqual({ sessionId: id, incarnation: 1, reason: 'It goes on at another node' });
    const late = await lost.tell({ sessionId: id, event: { kind: 'closed', reason: 'late' } });
    expect(late.ok).toBe(false);
    expect((await read(id)).state).toBe('streaming');
    const { body } = await broker.call('GET', '/api/audit?limit=200', { token: await broker.token('ada') });
    expect(JSON.stringify(body)).toContain('session.node-lost');
    expect(JSON.stringify(body)).toContain('session.recovered');
  });

  it('is left where it is as long as pictures flow, and adopted when the link is back', async () => {
    const { id, says, lost, other } = await openOnOneOfTwo();
    lost.disconnect();

    expect(await says({ state: 'alive' })).toBe('kept');
    await lost.connect();

    expect((await untilState(id, 'streaming')).recovery).toBeUndefined();
    expect(lost.commandsNamed('session.stop')).toEqual([]);
    expect(other.commands).toEqual([]);
  });

  it('is not lost by the broken path of one viewer: the node answers, or another viewer sees it', async () => {
    const { id, says, lost, socket, other } = await openOnOneOfTwo();
    expect(await says({ state: 'dead' })).toBe('own-path');

    const asRosa = { token: await broker.token('rosa'), body: {} };
    const { body } = await broker.call('POST', `/api/sessions/${id}/invitations`, asRosa);
    const { code } = body as { code: string };
    const asDirk = { token: await broker.token('dirk'), body: {} };
    await broker.call('POST', `/api/invitations/${code}/accept`, asDirk);
    const second = await sit('dirk', id);
    const linkGone = new Promise((resolve) => socket.once('stream.node-link', resolve));
    lost.disconnect();
    await linkGone;
    expect(await second.says({ state: 'alive' })).toBe('kept');
    expect(await says({ state: 'dead' })).toBe('own-path');

    expect((await read(id)).recovery).toBeUndefined();
    expect(other.commands).toEqual([]);
  });

  it('goes on elsewhere when the node hears and answers nothing, over a link that looks alive', async () => {
    const { id, says, lost, other } = await openOnOneOfTwo();
    lost.hang();

    expect(await says({ state: 'doubtful' })).toBe('kept');
    expect(await says({ state: 'dead' })).toBe('recovering');

    const session = await untilState(id, 'streaming');
    expect(session.nodeId).not.toBe(session.recovery?.lostNodeId);
    expect(other.commandsNamed('session.start')).toHaveLength(1);
  });

  it('goes on elsewhere when the node itself says that it ends', async () => {
    const { id, lost, other } = await openOnOneOfTwo();
    await lost.tell({
      sessionId: id,
      event: { kind: 'failed', code: 'node.ending', detail: 'The render node is shutting down' },
    });

    await waitFor('the other node', () => other.commandsNamed('session.start')[0]);
    expect((await untilState(id, 'streaming')).recovery?.reason).toBe('The render node is shutting down');
  });

  it('waits for a node, before all who only want to begin', async () => {
    const node = test.use(await connectRenderNode(broker));
    const { id, says, socket } = await openAsRosa();
    const linkGone = new Promise((resolve) => socket.once('stream.node-link', resolve));
    node.disconnect();
    await linkGone;
    expect(await says({ state: 'dead' })).toBe('recovering');
    const token = await broker.token('rene');
    await broker.call('POST', '/api/sessions', {
      token,
      body: { studyInstanceUID: '1.2.3.1', priority: 'high' },
    });
    expect((await untilState(id, 'queued')).queue).toMatchObject({ position: 1 });

    test.use(await connectRenderNode(broker, { id: 'render-9' }));

    expect((await untilState(id, 'streaming')).nodeId).toBe('render-9');
  });

  it('is tried three times, and fails with the reason', async () => {
    const first = test.use(await connectRenderNode(broker));
    const { id, says, socket } = await openAsRosa();
    const ids = ['render-2', 'render-3', 'render-4'];
    const nodes = new Map<string, FakeRenderNode>();
    for (const node of ids)
      nodes.set(node, test.use(await connectRenderNode(broker, { id: node, startsBy: 'hand' })));
    const linkGone = new Promise((resolve) => socket.once('stream.node-link', resolve));
    first.disconnect();
    await linkGone;
    expect(await says({ state: 'dead' })).toBe('recovering');

    for (const incarnation of [2, 3, 4]) {
      const nodeId = await waitFor(`life ${incarnation}`, async () => {
        const { state, recovery, nodeId: at } = await read(id);
        return state === 'starting' && recovery?.attempt === incarnation - 1 ? at : undefined;
      });
      await nodes.get(nodeId ?? '')?.tell({
        ...{ sessionId: id, incarnation },
        event: { kind: 'failed', code: 'session.start-failed', detail: 'The application showed nothing' },
      });
    }

    expect((await untilState(id, 'failed')).failure).toEqual({
      code: 'node.unreachable',
      detail: 'The application showed nothing. It was opened anew 3 times before',
    });
  });
});

describe('what a session shows', () => {
  it('is kept as long as it lives: the newest, by those who run it, and nothing that is not ready', async () => {
    const { id, lost, other } = await openOnOneOfTwo();
    const until = async (revision: string): Promise<true> =>
      waitFor(`revision ${revision}`, async () =>
        (await keptViews())[0]?.revision === revision ? true : undefined,
      );

    lost.showView({ sessionId: id, view: viewAt(3, 9) });
    await until('3');
    lost.showView({ sessionId: id, view: viewAt(2, 8) });
    other.showView({ sessionId: id, view: viewAt(50, 1) });
    lost.showView({ sessionId: id, incarnation: 4, view: viewAt(60, 1) });
    lost.showView({ sessionId: id, view: { ...viewAt(70, 1), ready: false } });
    lost.showView({ sessionId: id, view: { ...viewAt(80, 1), studyInstanceUID: '9.9' } });
    lost.showView({ sessionId: id, view: viewAt(4, 10) });
    await until('4');
    await broker.call('DELETE', `/api/sessions/${id}`, { token: await broker.token('rosa') });

    await waitFor('it to be forgotten', async () => ((await keptViews()).length === 0 ? true : undefined));
  });
});
