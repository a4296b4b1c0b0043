import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { craftedObject } from '../testing/crafted.ts';
import { filesOf, readDicomFile, type DicomFile } from '../testing/files.ts';
import { startNodeGroup, type GroupNode } from '../testing/node-group.ts';
import { store } from '../testing/scu.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';

const patience = { timeout: 20_000, interval: 50 };
const longMs = 120_000;
/** Over before the next look. */
const soon = { at_once: { days: 1e-6 } };
const craftedStudy = '1.2.826.0.1.3680043.9.9997.0.1';

describe('retention', () => {
  let folder: string;
  let policy: string;
  let storage: TestNode | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'retention-'));
    policy = join(folder, 'retention.json');
  });
  afterEach(async () => {
    await storage?.[Symbol.asyncDispose]();
    storage = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  const rule = async (document: object): Promise<void> => writeFile(policy, JSON.stringify(document));
  const start = async (settings: object = {}): Promise<TestNode> =>
    (storage = await startTestNode({ retention: policy, retentionMs: 100, ...settings }));
  const send = async (node: TestNode, { meta, dataSet }: DicomFile): Promise<number | undefined> =>
    store(node.node.dicomPort, { ...meta, dataSet });
  /** Of another study, so that the first is not the last that came. */
  const sendAnother = async (node: TestNode): Promise<void> => {
    const [path = ''] = await filesOf('ct-chest');
    expect(await send(node, await readDicomFile(path))).toBe(0);
  };
  const admin = async (node: TestNode): Promise<string> => node.token({ permission: 'admin' });
  const ask = async (node: TestNode, path: string, body?: object): Promise<Record<string, unknown>> => {
    const answer = await node.ask(`/retention${path}`, {
      token: await admin(node),
      ...(body && {
        method: 'POST',
        body: Buffer.from(JSON.stringify(body)),
        headers: { 'content-type': 'application/json' },
      }),
    });
    expect(answer.status).toBe(200);
    return JSON.parse(answer.body.toString()) as Record<string, unknown>;
  };
  const objectsOf = async (node: TestNode): Promise<number> => {
    const answer = await node.ask(`/dicomweb/instances?StudyInstanceUID=${craftedStudy}`);
    return answer.status === 200 ? (JSON.parse(answer.body.toString()) as object[]).length : 0;
  };
  const filesIn = async (path: string): Promise<number> =>
    (await readdir(path, { recursive: true })).filter((name) => name.endsWith('.dcm')).length;

  it('lists what is due, deletes it only where the policy says so, and takes it anew when it is sent again', async () => {
    const bucket = join(folder, 'bucket');
    await rule({ keep: soon });
    const node = await start({ objects: 'folder', objectsUrl: bucket, scrubDays: 0 });
    for (const number of [1, 2, 3]) expect(await send(node, craftedObject({ number }))).toBe(0);
    await sendAnother(node);
    await expect.poll(async () => filesIn(bucket), patience).toBe(4);
    await expect.poll(async () => (await ask(node, '/due'))['total'], patience).toBe(2);
    expect(await objectsOf(node)).toBe(3);

    await rule({ keep: soon, removal: 'delete' });

    await expect.poll(async () => objectsOf(node), patience).toBe(0);
    await expect.poll(async () => filesIn(bucket), patience).toBe(1);
    expect(await filesIn(join(node.directory, 'objects'))).toBe(1);
    const trail = (await ask(node, `/studies/${craftedStudy}`))['rulings'];
    expect(trail).toMatchObject([{ kind: 'removed', by: 'retention: at_once' }]);
    await node.restart();
    expect(await objectsOf(node)).toBe(0);

    await rule({ keep: { long: { days: 1 } }, removal: 'delete' });
    await node.restart();
    expect(await send(node, craftedObject({ number: 1 }))).toBe(0);
    await expect.poll(async () => (await ask(node, '/due'))['total'], patience).toBe(0);
    expect(await objectsOf(node)).toBe(1);
  });

  it('keeps what is held, what a longer rule fits, and what no rule fits', async () => {
    await rule({ keep: { ...soon, long: { from: ['SOMEBODY'], days: 1 } } });
    const node = await start();
    expect(await ask(node, `/studies/${craftedStudy}/hold`, { reason: 'case 4711' })).toMatchObject({
      isHeld: true,
    });
    // Held, let go, and held no more is not listed; held, let go and held again is.
    for (const kind of ['hold', 'unhold', 'hold'])
      await ask(node, `/studies/1.2.3/${kind}`, { reason: kind });
    for (const kind of ['hold', 'unhold']) await ask(node, `/studies/1.2.4/${kind}`, { reason: kind });
    expect(await ask(node, '/held')).toMatchObject({
      studies: [
        { studyInstanceUID: '1.2.3', kind: 'hold' },
        { studyInstanceUID: craftedStudy, by: 'tester', reason: 'case 4711' },
      ],
      total: 2,
    });
    expect(await send(node, craftedObject())).toBe(0);
    await sendAnother(node);
    await rule({ keep: soon, removal: 'delete' });
    await expect
      .poll(async () => (await ask(node, '/due'))['studies'], patience)
      .toMatchObject([{ studyInstanceUID: craftedStudy, isHeld: true }, { isHeld: false }]);
    expect(await objectsOf(node)).toBe(1);

    await rule({ keep: { only: { from: ['SOMEBODY'], days: 1e-6 } }, removal: 'delete' });
    await ask(node, `/studies/${craftedStudy}/unhold`, { reason: 'closed' });
    await expect.poll(async () => (await ask(node, '/due'))['total'], patience).toBe(0);
    expect(await objectsOf(node)).toBe(1);

    await rule({ keep: { ...soon, long: { modalities: ['OT'], days: 1 } }, removal: 'delete' });
    await node.restart();
    expect(await objectsOf(node)).toBe(1);

    await rule({ keep: soon, removal: 'delete' });
    await expect.poll(async () => objectsOf(node), patience).toBe(0);
    const { rulings } = await ask(node, `/studies/${craftedStudy}`);
    expect(rulings).toMatchObject([
      { kind: 'hold', by: 'tester', reason: 'case 4711' },
      { kind: 'unhold', by: 'tester', reason: 'closed' },
      { kind: 'removed' },
    ]);
  });

  it('removes nothing while the policy is broken', async () => {
    await rule({ keep: { long: { days: 1 } }, removal: 'delete' });
    const node = await start();
    expect(await send(node, craftedObject())).toBe(0);
    await sendAnother(node);
    await writeFile(policy, '{"keep": {"at_once": {"days": 0.000001}}, "removal": "del');
    await writeFile(policy, '{"keep": {"at_once": {"days": 0.000001}}, "removal": "remove"}');
    await expect.poll(async () => (await ask(node, '/due'))['total'], patience).toBe(0);
    expect(await objectsOf(node)).toBe(1);
  });

  it('answers A700 to what is too much for its study, and loses nothing', async () => {
    await rule({ quotas: { small: { studyObjects: 2 } } });
    const node = await start();
    expect(await send(node, craftedObject({ number: 1 }))).toBe(0);
    expect(await send(node, craftedObject({ number: 2 }))).toBe(0);
    expect(await send(node, craftedObject({ number: 3 }))).toBe(0xa700);
    // It is here already.
    expect(await send(node, craftedObject({ number: 2 }))).toBe(0);
    await sendAnother(node);
    expect(await objectsOf(node)).toBe(2);
    expect(await filesIn(join(node.directory, 'objects'))).toBe(3);

    await rule({ quotas: { small: { studyObjects: 3, studyGiB: 1 } } });
    await expect.poll(async () => send(node, craftedObject({ number: 3 })), patience).toBe(0);
    await rule({ quotas: { of_others: { from: ['SOMEBODY'], studyObjects: 1 } } });
    await expect.poll(async () => send(node, craftedObject({ number: 4 })), patience).toBe(0);
  });

  it('gives no one a hold or a list without an administrator’s token', async () => {
    const node = await startTestNode();
    storage = node;
    expect((await node.ask('/retention/due')).status).toBe(403);
    expect((await node.ask('/retention/due', { token: null })).status).toBe(401);
  });

  it(
    'removes at every node, and at none while one of them holds the study',
    async () => {
      await rule({ keep: soon });
      await using group = await startNodeGroup({ MEDUSA_RETENTION: policy, MEDUSA_RETENTION_MS: '200' });
      const claims = { permission: 'admin' };
      const at = async (node: GroupNode, matching = `StudyInstanceUID=${craftedStudy}`): Promise<number> => {
        const { body } = await node.ask(`/dicomweb/instances?${matching}`);
        return (JSON.parse(body.toString()) as object[]).length;
      };
      const isHeld = async (node: GroupNode): Promise<boolean> => {
        const { body } = await node.ask(`/retention/studies/${craftedStudy}`, { claims });
        return (JSON.parse(body.toString()) as { isHeld: boolean }).isHeld;
      };
      const [first, second] = group.nodes;
      const ruling = async (kind: string): Promise<void> => {
        const body = JSON.stringify({ reason: 'a test' });
        const path = `/retention/studies/${craftedStudy}/${kind}`;
        expect((await first.ask(path, { method: 'POST', body, claims })).status).toBe(200);
      };
      await ruling('hold');
      const { meta, dataSet } = craftedObject();
      expect(await store(group.dicomPort, { ...meta, dataSet })).toBe(0);
      // What came last of all to a node stays.
      for (const node of group.nodes) await expect.poll(async () => at(node), patience).toBe(1);
      for (const path of (await filesOf('ct-chest')).slice(0, 2)) {
        const file = await readDicomFile(path);
        expect(await store(group.dicomPort, { ...file.meta, dataSet: file.dataSet })).toBe(0);
      }
      for (const node of group.nodes) {
        await expect.poll(async () => at(node, 'limit=10'), patience).toBe(3);
        await expect.poll(async () => isHeld(node), patience).toBe(true);
      }
      await rule({ keep: soon, removal: 'delete' });
      const due = async (): Promise<unknown> =>
        JSON.parse((await second.ask('/retention/due', { claims })).body.toString());
      await expect.poll(due, patience).toMatchObject({ studies: [{ isHeld: true }, { isHeld: false }] });
      expect([await at(first), await at(second)]).toEqual([1, 1]);

      await ruling('unhold');

      for (const node of group.nodes) await expect.poll(async () => at(node), patience).toBe(0);
      await second.stop('SIGKILL');
      await second.start();
      expect([await at(first), await at(second)]).toEqual([0, 0]);
    },
    longMs,
  );
});
