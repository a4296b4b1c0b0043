import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dcmtk } from '../testing/dcmtk.ts';
import { dicomFile } from '../testing/crafted.ts';
import { filesOf, readDicomFile, splitFile, type DicomFile } from '../testing/files.ts';
import { startNodeGroup, type GroupNode, type NodeGroup } from '../testing/node-group.ts';
import { associateRequest, connectPeer, sendObject, statusOf } from '../testing/scu.ts';
import { withInstanceNumber } from '../testing/unique.ts';

/** MEDUSA_HA_OBJECTS=1000 makes a long one of it. */
const count = Number(process.env['MEDUSA_HA_OBJECTS'] ?? 300);
const perAssociation = 10;
const lanes = 4;
const longMs = 120_000 + count * 100;

describe('two storage nodes behind one address', () => {
  let group: NodeGroup;
  let folder: string;
  const sent = new Map<string, string>();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'storage-group-files-'));
    group = await startNodeGroup();
  }, longMs);
  afterAll(async () => {
    await group[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }, longMs);

  const objectsOf = async (first: number, many: number): Promise<DicomFile[]> => {
    const sources = await Promise.all((await filesOf('ct-chest')).slice(0, 20).map(readDicomFile));
    return Array.from({ length: many }, (_, at) => {
      const source = sources[at % sources.length];
      if (!source) throw new Error('There is nothing to send');
      return withInstanceNumber(source, first + at);
    });
  };

  it(
    'lose no association and no object while each is restarted in turn',
    async () => {
      const batches: string[] = [];
      const objects = await objectsOf(0, count);
      for (let at = 0; at < count; at += perAssociation) {
        const batch = join(folder, String(at));
        await mkdir(batch);
        for (const object of objects.slice(at, at + perAssociation)) {
          await writeFile(join(batch, object.meta.sopInstanceUID), dicomFile(object));
          sent.set(object.meta.sopInstanceUID, hashOf(object.dataSet));
        }
        batches.push(batch);
      }
      const results: { code: number; stored: number }[] = [];
      const left = batches.values();
      const lane = async (): Promise<void> => {
        for (const batch of left) {
          const args = ['-v', '-aec', 'MEDUSA', '--decompress-never', '--scan-directories'];
          const { code, output } = await dcmtk(
            'dcmsend',
            ...args,
            '127.0.0.1',
            String(group.dicomPort),
            batch,
          );
          const stored = Number(/with status SUCCESS\s*: (\d+)/.exec(output)?.[1] ?? 0);
          results.push({ code, stored });
        }
      };
      const sending = Promise.all(Array.from({ length: lanes }, lane));
      const restarts = new Map<string, number>();
      for (let turn = 0; results.length < batches.length || turn < 2; turn++) {
        const node = group.nodes[turn % 2] ?? group.nodes[0];
        expect(await node.stop('SIGTERM')).toBe(0);
        await node.start();
        restarts.set(node.name, (restarts.get(node.name) ?? 0) + 1);
      }
      await sending;

      expect(restarts.size).toBe(2);
      expect(results).toHaveLength(batches.length);
      expect(results.filter(({ code }) => code !== 0)).toEqual([]);
      expect(results.reduce((sum, { stored }) => sum + stored, 0)).toBe(count);
      await expectAllAtBoth();
    },
    longMs,
  );

  it(
    'lose nothing that was acknowledged when one is killed, and go on taking at once',
    async () => {
      const objects = await objectsOf(count, 20);
      let isKilled = false;
      let number = count;
      let sentSince = 0;
      const endings: string[] = [];
      /** Sends one after the other until its node is killed, or the other one has taken some more since. */
      const lane = async (): Promise<void> => {
        using peer = await connectPeer(group.dicomPort);
        const [first] = objects;
        if (!first) return;
        const { sopClassUID: abstractSyntax, transferSyntaxUID } = first.meta;
        peer.send(
          associateRequest({ contexts: [{ id: 1, abstractSyntax, transferSyntaxes: [transferSyntaxUID] }] }),
        );
        await peer.next();
        while (sentSince < 40) {
          number += 1;
          const object = withInstanceNumber(objects[number % objects.length] ?? first, number);
          sendObject(peer, number, { ...object.meta, dataSet: object.dataSet });
          const answer = await peer.next();
          if (!answer) return void endings.push(isKilled ? 'killed' : 'broken');
          expect(statusOf(answer)).toBe(0);
          sent.set(object.meta.sopInstanceUID, hashOf(object.dataSet));
          if (isKilled) sentSince += 1;
        }
        endings.push('whole');
      };
      const before = sent.size;
      const sending = Promise.all(Array.from({ length: 8 }, lane));
      const [one, other] = group.nodes;
      let victim = one;
      await expect
        .poll(
          async () => {
            // Whoever was quicker may have all of them.
            victim = victim === one ? other : one;
            return associationsOf(victim);
          },
          { timeout: 30_000, interval: 10 },
        )
        .toBeGreaterThan(0);
      await expect.poll(() => sent.size - before, { timeout: 30_000, interval: 5 }).toBeGreaterThan(40);
      isKilled = true;
      await victim.stop('SIGKILL');
      expect((await dcmtk('echoscu', '-aec', 'MEDUSA', '127.0.0.1', String(group.dicomPort))).code).toBe(0);
      await sending;

      expect(endings).not.toContain('broken');
      expect(endings).toContain('killed');
      await victim.start();
      await expectAllAtBoth();
    },
    longMs,
  );

  /** At each node every object that was acknowledged, byte for byte. */
  const expectAllAtBoth = async (): Promise<void> => {
    for (const node of group.nodes) {
      await expect
        .poll(async () => (await uidsOf(node)).size, { timeout: 60_000, interval: 200 })
        .toBeGreaterThanOrEqual(sent.size);
      const urls = await uidsOf(node);
      for (const [uid, sha256] of sent) {
        const url = urls.get(uid);
        expect(url, `${uid} at ${node.name}`).toBeDefined();
        const { body, contentType } = await node.ask(new URL(url ?? '').pathname);
        expect(hashOf(objectOf(body, contentType).dataSet)).toBe(sha256);
      }
    }
  };
});

async function uidsOf(node: GroupNode): Promise<Map<string, string>> {
  const { status, body } = await node.ask('/dicomweb/instances?limit=10000');
  if (status !== 200) return new Map();
  const instances = JSON.parse(body.toString()) as Record<string, { Value?: string[] }>[];
  return new Map(
    instances.map((one) => [one['00080018']?.Value?.[0] ?? '', one['00081190']?.Value?.[0] ?? '']),
  );
}

async function associationsOf(node: GroupNode): Promise<number> {
  const metrics = (await node.ask('/metrics')).body.toString();
  return Number(/^medusa_storage_associations (\d+)/m.exec(metrics)?.[1] ?? 0);
}

/** The one part of a multipart answer. */
function objectOf(body: Buffer, contentType: string): DicomFile {
  const boundary = /boundary=([^;\s]+)/.exec(contentType)?.[1] ?? '';
  const start = body.indexOf('\r\n\r\n') + 4;
  return splitFile(body.subarray(start, body.lastIndexOf(`\r\n--${boundary}`)));
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
