import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRenderNode, connectStorageNode, testStudy } from '../support/fake-nodes.ts';
import { occiClient, type OcciClient } from '../support/occi-client.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { startTestDatabase } from '../support/test-database.ts';
import type { TestUser } from '../support/test-secrets.ts';
import { waitFor } from '../support/wait.ts';
import { identifierOf, mixinOf, sessionKind } from './model/index.ts';

const suite = new AsyncDisposableStack();
let broker: TestBroker;

beforeAll(async () => {
  broker = suite.use(await startTestBroker(suite.use(await startTestDatabase())));
  suite.use(await connectStorageNode(broker, [testStudy(1)], 'https://storage.test/dicomweb'));
  suite.use(await connectRenderNode(broker, { slots: 2 }));
});
afterAll(async () => suite.disposeAsync());

async function clientOf(user: TestUser): Promise<OcciClient> {
  const authorization = `Bearer ${await broker.token(user)}`;
  return occiClient(`${broker.url}/occi/`, 'application/occi+json', { authorization });
}

const session = identifierOf(sessionKind);

describe('a whole broker by OCCI', () => {
  it('asks strangers to log in, as its API does', async () => {
    const stranger = occiClient(`${broker.url}/`, 'text/plain');
    const answer = await stranger.get('-/');

    expect([answer.status, answer.header('www-authenticate'), answer.header('server')]).toEqual([
      ...[401, 'Bearer', 'medusa OCCI/1.2'],
    ]);
  });

  it('publishes the kinds that work, and no other', async () => {
    const { categories } = (await (await clientOf('rosa')).get('-/')).payload();
    const kinds = categories.filter((one) => one.class === 'kind').map(({ term }) => term);

    expect(kinds).toEqual([
      ...[
        'entity',
        'resource',
        'link',
        'compute',
        'network',
        'storage',
        'snapshot',
        'networkinterface',
        'storagelink',
      ],
      ...['rendernode', 'storagenode', 'session', 'room', 'pacs', 'agreement', 'agreement_link'],
      ...['application', 'component', 'componentlink'],
    ]);
  });

  it('tells administrators of nodes, which clients neither make nor unmake', async () => {
    const client = await clientOf('ada');
    const node = await client.get('rendernode/render-1');
    const storage = (await client.get('storagenode/')).payload().entities[0];

    expect(Object.fromEntries(node.payload().entities[0]?.attributes ?? [])).toMatchObject({
      ...{
        'medusa.node.state': 'ready',
        'medusa.rendernode.slots': 2,
        'medusa.rendernode.encoders': 'libx264',
      },
    });
    expect(storage?.attributes.get('medusa.node.state')).toBe('ready');
    expect(node.payload().entities[0]?.actions).toEqual([]);
    expect((await client.delete('rendernode/render-1')).status).toBe(405);
    expect((await (await clientOf('rosa')).get('rendernode/')).status).toBe(403);
  });

  it('tells of the archives that storage nodes received studies from', async () => {
    const { entities } = (await (await clientOf('rosa')).get('pacs/')).payload();

    expect(entities.map(({ attributes }) => attributes.get('medusa.pacs.aetitle'))).toEqual(['PACS']);
  });

  it('opens a study for the caller, shows the session to its owner alone, and stops it', async () => {
    const owner = await clientOf('rosa');
    const attributes = { 'medusa.session.study': '1.2.3.1' };
    const opened = await owner.entity('POST', 'session/', { kind: session, attributes });
    const location = opened.header('location') ?? '';
    const state = async () =>
      (await owner.get(location)).payload().entities[0]?.attributes.get('medusa.session.state');

    expect(opened.status).toBe(201);
    await waitFor('the stream', async () => ((await state()) === 'streaming' ? true : undefined));
    expect((await owner.get('room/')).payload().entities).toHaveLength(1);
    expect((await (await clientOf('dirk')).get(location)).status).toBe(404);
    const action = 'http://medusa.example/occi/broker/session/action#stop';
    expect((await owner.call(location, { action, attributes: new Map() })).status).toBe(200);
    expect((await owner.get('session/')).payload().entities).toEqual([]);
    expect((await owner.entity('PUT', 'session/mine', { kind: session, attributes })).status).toBe(405);
    expect(
      (await (await clientOf('ada')).entity('POST', 'session/', { kind: session, attributes })).status,
    ).toBe(403);
  });

  it('keeps tags over a restart', async () => {
    const tag = mixinOf({
      scheme: 'http://users.test/tags#',
      term: 'fast',
      title: 'Fast',
      location: '/tags/fast/',
    });
    const client = await clientOf('ada');
    await client.categories('POST', '-/', [tag]);
    await client.locations('POST', 'tags/fast/', ['/occi/rendernode/render-1']);

    await broker.restart();

    const tagged = await waitFor(
      'the broker',
      async () => (await client.get('tags/fast/').catch(() => undefined)) ?? undefined,
    );
    expect(tagged.payload().locations).toEqual([`${broker.url}/occi/rendernode/render-1`]);
    const { body } = await broker.call('GET', '/api/audit?action=resource.changed', {
      token: await broker.token('ada'),
    });
    expect(JSON.stringify(body)).toContain('/tags/fast/');
  });
});
