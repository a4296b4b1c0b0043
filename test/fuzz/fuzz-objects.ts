import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Failure, Progress } from './fuzz-pdus.ts';
import { leakOf, levelOf } from './leaks.ts';
import type { StorageNode } from '../support/storage-node.ts';
import { loadObjects, mutatedObject, type MutatedObject } from './objects.ts';
import { createRandom, seedOf } from './random.ts';
import { Sender } from './sender.ts';

export type ObjectReport = {
  readonly objects: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  readonly leak: string | undefined;
  readonly residentMiB: readonly [before: number, after: number];
};

const lanes = 4;
const mostFailures = 10;
const warmUp = 300;

type Options = {
  readonly seed: number;
  readonly count: number;
  readonly progress?: Progress;
  readonly only?: number;
};

/** Mutated objects by C-STORE. What was acknowledged has to lie there, byte for byte, and of the rest nothing. */
export async function fuzzObjects(node: StorageNode, options: Options): Promise<ObjectReport> {
  const { seed, count, only, progress } = options;
  const objects = loadObjects();
  const failures: Failure[] = [];
  const statuses: Record<string, number> = {};
  const stored = new Set<string>();
  const refused = new Set<string>();
  const quarantined = new Set<string>();
  let next = only ?? 0;

  const one = async (sender: Sender, run: number): Promise<void> => {
    const random = createRandom(seedOf(seed, run));
    const object = mutatedObject(random, objects, run + 1);
    const status = await sender.store(object);
    const name = `${object.mutation}: ${status?.toString(16).padStart(4, '0') ?? 'no answer'}`;
    statuses[name] = (statuses[name] ?? 0) + 1;
    const sha256 = createHash('sha256').update(object.dataSet).digest('hex');
    if (status === 0x0000 || status === 0xb000) stored.add(sha256);
    else refused.add(sha256);
    if (status === 0xc101) quarantined.add(sha256);
    const reason = node.fault() ?? wrong(object, status);
    if (reason !== undefined) failures.push({ run, reason, bytes: object.dataSet.toString('hex', 0, 4_096) });
  };
  const isDone = (): boolean =>
    failures.length >= mostFailures || next >= count || node.fault() !== undefined;
  const inLanes = async (until: () => boolean): Promise<void> => {
    await Promise.all(
      Array.from({ length: lanes }, async () => {
        await using sender = await Sender.open(node.port);
        while (!until()) {
          await one(sender, next++);
          if (next % 100 === 0) progress?.(next, count);
        }
      }),
    );
  };

  if (only !== undefined) {
    await using sender = await Sender.open(node.port);
    await one(sender, only);
  } else await inLanes(() => isDone() || next >= Math.min(warmUp, count / 2));
  const before = await levelOf(node);
  if (only === undefined) await inLanes(isDone);
  const after = await levelOf(node);
  const growth = only === undefined ? leakOf(before, after) : undefined;
  const leak = node.fault() ?? growth ?? lossOf(node, { stored, refused, quarantined });
  const residentMiB = [Math.round(before.residentMiB), Math.round(after.residentMiB)] as const;
  return { objects: next - (only ?? 0), statuses, failures, leak, residentMiB };
}

function wrong({ mutation, name, statuses }: MutatedObject, status: number | undefined): string | undefined {
  if (status !== undefined && statuses.includes(status)) return undefined;
  const words = statuses.map((one) => one.toString(16)).join(' or ');
  return `${name}, ${mutation}: answered ${status?.toString(16) ?? 'nothing'}, should be ${words}`;
}

type Sent = {
  readonly stored: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  readonly quarantined: ReadonlySet<string>;
};

function lossOf(node: StorageNode, { stored, refused, quarantined }: Sent): string | undefined {
  const files = new Set(node.objects());
  for (const sha256 of stored) if (!files.has(sha256)) return `${sha256} was acknowledged and is not there`;
  for (const sha256 of refused)
    if (files.has(sha256) && !stored.has(sha256)) return `${sha256} was refused and is there`;
  if (node.quarantined() < quarantined.size) return 'an object is missing in quarantine';
  return [...stored].map((sha256) => changeOf(node, sha256)).find((change) => change !== undefined);
}

function changeOf({ directory }: StorageNode, sha256: string): string | undefined {
  const bytes = readFileSync(path.join(directory, 'objects', sha256.slice(0, 2), `${sha256}.dcm`));
  const dataSet = bytes.subarray(144 + bytes.readUInt32LE(140));
  const isSame = createHash('sha256').update(dataSet).digest('hex') === sha256;
  return isSame ? undefined : `${sha256} does not lie there as it came`;
}
