import { launchResponseSchema, type SessionView } from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRenderNode, connectStorageNode, testStudy } from '../support/fake-nodes.ts';
import { startTestBroker } from '../support/test-broker.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => database[Symbol.asyncDispose]());

describe('the path from a zone to the study', () => {
  it('is the one that is configured, and is measured by what sessions read', async () => {
    const storageRoutes = { fixed: { 'storage-1': 'https://gateway.example.org:9443' } };
    await using broker = await startTestBroker(database, { storageRoutes });
    await using nodes = new AsyncDisposableStack();
    nodes.use(await connectStorageNode(broker, [testStudy(1)]));
    const node = nodes.use(await connectRenderNode(broker, { slots: 2 }));
    const token = await broker.token('rosa');
    const launch = async (): Promise<SessionView> => {
      const body = { studyInstanceUID: '1.2.3.1' };
      const answer = await broker.call('POST', '/api/sessions', { token, body });
      return launchResponseSchema.parse(answer.body).session;
    };

    const first = await launch();
    await expect.poll(() => node.commandsNamed('session.start')).toHaveLength(1);
    expect(node.commandsNamed('session.start')[0]?.payload).toMatchObject({
      dicomwebUrl: 'https://gateway.example.org:9443/dicomweb',
    });
    expect(first.placement?.reason).not.toContain('measured');
    const event = { kind: 'read', atMs: 900, bytes: 500_000, waitedMs: 2_000 } as const;
    expect(await node.tell({ sessionId: first.id, event })).toMatchObject({ ok: true });

    const second = await launch();
    expect(second.placement?.reason).toContain('its path to the study was measured at 2.0 Mbit/s');
    expect(second.placement?.predicted).toMatchObject({ isMeasured: true, firstImageMs: 41_201 });
  });
});
