import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FuzzedObject } from '../../fuzz/objects.ts';
import { Sender } from '../../fuzz/sender.ts';
import { element, text, uids } from '../../fuzz/wire.ts';
import { waitFor } from '../../support/wait.ts';
import { createHospitalNode, type HospitalNode } from './hospital-node.ts';
import { missingForSwift, startSwift, type SwiftCluster } from './swift-cluster.ts';

const missing = missingForSwift();
const study = '1.2.826.0.1.3680043.9.9998.1';
const series = `${study}.1`;
const patience = { timeout: 120_000, interval: 200 };
/** No more than some of them on the disk. */
const hotGiB = (1.5 * 2 ** 20) / 2 ** 30;

function objectOf(number: number): FuzzedObject {
  const sopInstance = `${series}.${number}`;
  const dataSet = Buffer.concat([
    element(0x00080016, 'UI', text(uids.storage)),
    element(0x00080018, 'UI', text(sopInstance)),
    element(0x00080060, 'CS', text('OT')),
    element(0x00100010, 'PN', text('TIERED^OBJECT')),
    element(0x0020000d, 'UI', text(study)),
    element(0x0020000e, 'UI', text(series)),
    element(0x00291010, 'OB', randomBytes(200_000)),
  ]);
  return { name: '', sopClass: uids.storage, sopInstance, transferSyntax: uids.explicit, dataSet };
}

/** Somebody who reads all the time what was acknowledged, and compares. */
function startReader(node: HospitalNode, acknowledged: readonly FuzzedObject[]) {
  const seen = { whole: 0, refused: 0, brokenOff: 0, wrong: 0 };
  const ending = new AbortController();
  const isReading = (): boolean => !ending.signal.aborted;
  const readOne = async ({ sopInstance, dataSet }: FuzzedObject): Promise<void> => {
    const answer = await node.ask(`/dicomweb/studies/${study}/series/${series}/instances/${sopInstance}`);
    if (!answer) {
      seen.brokenOff += 1;
      await waitFor('the storage node', async () => !isReading() || ((await node.ask('/healthz')) && true));
    } else if (answer.status !== 200) seen.refused += 1;
    else if (answer.body.subarray(-dataSet.length).equals(dataSet)) seen.whole += 1;
    else seen.wrong += 1;
  };
  const running = (async () => {
    for (let at = 0; isReading(); at += 7) {
      const object = acknowledged[at % Math.max(1, acknowledged.length)];
      if (object) await readOne(object);
      else await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  return {
    seen,
    readOne,
    async end() {
      ending.abort();
      await running;
    },
  };
}

describe.skipIf(missing !== undefined)('a storage node before Swift', () => {
  let cluster: SwiftCluster;
  beforeAll(async () => {
    cluster = await startSwift(4);
  });
  afterAll(async () => cluster[Symbol.asyncDispose]());

  const places = (): Record<string, Record<string, string>> => ({
    swift: { MEDUSA_OBJECTS: 'swift', MEDUSA_OBJECTS_URL: `${cluster.url}/auth/v1.0` },
    s3: { MEDUSA_OBJECTS: 's3', MEDUSA_OBJECTS_URL: cluster.url },
  });

  it.each(['swift', 's3'])(
    'loses no acknowledged object and serves no half one while %s is away and comes back, and it is killed itself',
    async (kind) => {
      await using node = await createHospitalNode({
        ...places()[kind],
        MEDUSA_OBJECTS_CONTAINER: `tiering-${kind}`,
        MEDUSA_OBJECTS_USER: cluster.user,
        MEDUSA_OBJECTS_SECRET: cluster.key,
        MEDUSA_HOT_GIB: String(hotGiB),
      });
      await node.start();
      const acknowledged: FuzzedObject[] = [];
      const send = async (
        numbers: readonly [number, number],
        during?: () => Promise<void>,
      ): Promise<void> => {
        await using sender = await Sender.open(node.dicomPort);
        for (let number = numbers[0]; number < numbers[1]; number++) {
          const object = objectOf(number);
          const answering = sender.store(object);
          const happening = number === numbers[0] + 10 ? during?.() : undefined;
          const status = await answering.catch(() => undefined);
          await happening;
          if (status === undefined) return;
          expect(status).toBe(0);
          acknowledged.push(object);
        }
      };
      const reader = startReader(node, acknowledged);

      await send([0, 30]);
      await expect.poll(async () => node.meter('object_store_objects'), patience).toBeGreaterThan(15);
      await send([30, 60], async () => cluster.killProxy());
      await send([60, 90]);
      await expect.poll(async () => node.meter('object_store_up'), patience).toBe(0);
      const waited = await node.meter('spool_objects');
      await send([90, 120], async () => node.kill());
      await node.start();
      await send([120, 140]);
      await cluster.revive();
      // Killed again, while it moves what waited.
      await expect.poll(async () => node.meter('objects_moved_total'), patience).toBeGreaterThan(0);
      await node.kill();
      await node.start();

      await expect.poll(async () => node.meter('spool_objects'), patience).toBe(0);
      await expect.poll(async () => node.hot(), patience).toBeLessThan(10);
      await reader.end();
      const during = { ...reader.seen };
      for (const object of acknowledged) await reader.readOne(object);

      expect(acknowledged.length).toBeGreaterThanOrEqual(119);
      expect(waited).toBeGreaterThan(0);
      expect(during.wrong).toBe(0);
      expect(during.whole).toBeGreaterThan(0);
      expect(reader.seen).toEqual({ ...during, whole: during.whole + acknowledged.length });
      process.stdout.write(
        `${JSON.stringify({
          figure: `${kind} away and back`,
          acknowledged: acknowledged.length,
          lost: 0,
          waited,
          ...during,
        })}\n`,
      );
    },
  );
});
