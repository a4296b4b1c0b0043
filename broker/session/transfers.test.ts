import {
  applicationSchema,
  auditEventSchema,
  launchResponseSchema,
  type AuditEvent,
  type SessionId,
} from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../config.ts';
import {
  connectRenderNode,
  connectStorageNode,
  copiedText,
  testStudy,
  type FakeRenderNode,
} from '../support/fake-nodes.ts';
import { startTestBroker, type TestBroker } from '../support/test-broker.ts';
import { connectClient, valueOf } from '../support/test-client.ts';
import { startTestDatabase } from '../support/test-database.ts';
import { waitFor } from '../support/wait.ts';
import { createTransfers } from './index.ts';

const suite = new AsyncDisposableStack();
let broker: TestBroker;
let node: FakeRenderNode;
beforeAll(async () => {
  const rules = { radiologist: ['copy', 'paste'], doctor: ['paste'] } as const;
  const transfers = {
    rules: { radiologist: [...rules.radiologist], doctor: [...rules.doctor] },
    mostBytes: 20,
  };
  broker = suite.use(await startTestBroker(suite.use(await startTestDatabase()), { transfers }));
  suite.use(await connectStorageNode(broker, [testStudy(1)]));
  node = suite.use(await connectRenderNode(broker, { slots: 8 }));
});
afterAll(async () => suite.disposeAsync());

async function openSession(): Promise<SessionId> {
  const token = await broker.token('rosa');
  const body = { studyInstanceUID: '1.2.3.1' };
  const launched = await broker.call('POST', '/api/sessions', { token, body });
  const { id } = launchResponseSchema.parse(launched.body).session;
  await waitFor('the session to stream', async () => {
    const answer = await broker.call('GET', `/api/sessions/${id}`, { token });
    return (answer.body as { state: string }).state === 'streaming' ? true : undefined;
  });
  return id;
}

async function trail(action: AuditEvent['action'], sessionId: SessionId): Promise<readonly AuditEvent[]> {
  const query = `/api/audit?action=${action}&object=${sessionId}`;
  const { body } = await broker.call('GET', query, { token: await broker.token('ada') });
  return (body as { events: unknown[] }).events.map((event) => auditEventSchema.parse(event));
}

describe('text between displays and clipboards', () => {
  it('passes as the role may, and is in the audit trail by its size alone', async () => {
    const sessionId = await openSession();
    using rosa = await connectClient(broker, 'rosa');
    const joined = valueOf(await rosa.socket.emitWithAck('room.join', { sessionId }));
    expect(joined.transfers).toEqual({ allowed: ['copy', 'paste'], mostBytes: 20 });

    const pasted = await rosa.socket.emitWithAck('transfer.request', { kind: 'paste', text: 'größer' });
    expect(pasted).toEqual({ ok: true, value: { kind: 'paste' } });
    const copied = await rosa.socket.emitWithAck('transfer.request', { kind: 'copy' });
    expect(copied).toEqual({ ok: true, value: { kind: 'copy', text: copiedText } });

    const { you: participantId, transfers: rights } = joined;
    expect(node.commandsNamed('transfer.request').map(({ payload }) => payload)).toEqual([
      { sessionId, participantId, rights, request: { kind: 'paste', text: 'größer' } },
      { sessionId, participantId, rights, request: { kind: 'copy' } },
    ]);
    const lines = [
      ...(await trail('clipboard.pasted', sessionId)),
      ...(await trail('clipboard.copied', sessionId)),
    ];
    expect(lines).toMatchObject([
      { actorName: 'Rosa Radiologist', outcome: 'success', detail: 'into the display, 8 bytes' },
      {
        actorName: 'Rosa Radiologist',
        outcome: 'success',
        detail: `out of the display, ${copiedText.length} bytes`,
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain(copiedText);
  });

  it('refuses what the role may not, and what is too much, before a node is asked', async () => {
    const sessionId = await openSession();
    using dirk = await connectClient(broker, 'dirk');
    const token = await broker.token('rosa');
    const invited = await broker.call('POST', `/api/sessions/${sessionId}/invitations`, { token, body: {} });
    const { code } = invited.body as { code: string };
    const dirks = await broker.token('dirk');
    await broker.call('POST', `/api/invitations/${code}/accept`, { token: dirks, body: {} });
    const { transfers } = valueOf(await dirk.socket.emitWithAck('room.join', { sessionId }));
    expect(transfers?.allowed).toEqual(['paste']);
    const asked = node.commandsNamed('transfer.request').length;

    expect(await dirk.socket.emitWithAck('transfer.request', { kind: 'copy' })).toMatchObject({
      ok: false,
      problem: { code: 'transfer.refused', status: 403 },
    });
    const long = { kind: 'paste', text: 'ß'.repeat(11) } as const;
    expect(await dirk.socket.emitWithAck('transfer.request', long)).toMatchObject({
      problem: { code: 'transfer.too-large' },
    });
    expect(
      await dirk.socket.emitWithAck('transfer.request', { kind: 'upload' } as unknown as { kind: 'copy' }),
    ).toMatchObject({ problem: { code: 'request.invalid' } });

    expect(node.commandsNamed('transfer.request').length).toBe(asked);
    expect(await trail('clipboard.copied', sessionId)).toMatchObject([
      { actorName: 'Dirk Doctor', outcome: 'refused', detail: 'transfer.refused' },
    ]);
  });

  it('shows the policy to administrators and to nobody else', async () => {
    const seen = await broker.call('GET', '/api/transfers', { token: await broker.token('ada') });
    expect(seen.body).toMatchObject({
      roles: [
        { role: 'radiologist', allowed: ['copy', 'paste'] },
        { role: 'doctor', allowed: ['paste'] },
        { role: 'admin', allowed: [] },
      ],
      applications: expect.arrayContaining([
        { id: 'workstation', name: 'Medusa workstation', atMost: null },
      ]) as unknown,
      mostBytes: 20,
      files: 'denied',
    });
    const { status } = await broker.call('GET', '/api/transfers', { token: await broker.token('rosa') });
    expect(status).toBe(403);
  });

  it('allows nothing where nothing is configured, and never more than the application has', () => {
    const environment = { MEDUSA_DATA_DIR: '/nowhere', DATABASE_URL: 'postgres://nowhere/medusa' };
    expect(readConfig(environment).transfers.rules).toEqual({});
    const ours = { ...environment, MEDUSA_TRANSFERS: '{"doctor":["copy","paste"]}' };
    const { transfers } = readConfig(ours);
    expect(() => readConfig({ ...environment, MEDUSA_TRANSFERS: '{"doctor":["upload"]}' })).toThrow(/paste/);

    const application = applicationSchema.parse({
      ...{ id: 'x', name: 'X', description: '', kind: 'x11', studyAccess: 'files', modes: ['streamed'] },
      ...{ resources: { memoryMiB: 1, cpus: 1 }, transfers: ['paste'] },
    });
    const policy = createTransfers({
      ...{ ...transfers, applications: [application] },
      nodes: { command: async () => undefined },
      audit: undefined as never,
    });
    const session = { applicationId: 'x', mode: 'streamed' } as const;
    expect(policy.rightsOf(session, ['doctor']).allowed).toEqual(['paste']);
    expect(policy.rightsOf(session, ['radiologist', 'admin']).allowed).toEqual([]);
    expect(policy.rightsOf({ ...session, mode: 'local' }, ['doctor']).allowed).toEqual([]);
  });
});
