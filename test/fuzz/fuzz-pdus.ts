import { leakOf, levelOf } from './leaks.ts';
import type { StorageNode } from '../support/storage-node.ts';
import { createRandom, seedOf } from './random.ts';
import { writeScript } from './script.ts';
import { play } from './talk.ts';

export type Progress = (done: number, of: number) => void;
export type Failure = { readonly run: number; readonly reason: string; readonly bytes: string };
export type PduReport = {
  readonly mutatedPdus: number;
  readonly associations: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  readonly leak: string | undefined;
  readonly residentMiB: readonly [before: number, after: number];
};

type Options = {
  readonly seed: number;
  readonly count: number;
  readonly progress?: Progress;
  /** This run alone. */
  readonly only?: number;
};

/** Talks at once: one waits for the network while the node works on another. */
const lanes = 6;
/** With one address each port would be used again too soon. */
const addresses = 200;
/** Who may call. The second one is also the name of something else. */
const callers: ReadonlySet<string> = new Set(['FUZZER', 'constructor']);
/** What the node that is fuzzed has to be told. */
export const fuzzedEnvironment = { MEDUSA_CALLING_AE_TITLES: [...callers].join(',') };
const mostFailures = 10;
/** Before memory is measured first: code gets compiled, pools filled. */
const warmUpRuns = 2_000;

/** Mutated PDUs against the real upper layer, each answer compared with the model's. */
export async function fuzzPdus(node: StorageNode, options: Options): Promise<PduReport> {
  const { seed, count, only, progress } = options;
  const failures: Failure[] = [];
  const answers: Record<string, number> = {};
  let mutated = 0;
  let associations = 0;
  let next = only ?? 0;

  const one = async (run: number): Promise<void> => {
    const random = createRandom(seedOf(seed, run));
    const script = writeScript(random, callers);
    const address = `127.0.${1 + (run % addresses)}.1`;
    const reason = node.fault() ?? (await play(script, { port: node.port, address, random }));
    if (reason !== undefined) failures.push({ run, reason, bytes: script.bytes.toString('hex') });
    mutated += script.mutated;
    associations += 1;
    for (const expected of script.model.expected) {
      const name = nameOf(expected);
      answers[name] = (answers[name] ?? 0) + 1;
    }
  };
  const isDone = (): boolean =>
    failures.length >= mostFailures || mutated >= count || node.fault() !== undefined;
  const lane = async (until: () => boolean): Promise<void> => {
    while (!until()) {
      await one(next++);
      if (next % 1_000 === 0) progress?.(mutated, count);
    }
  };
  const inLanes = async (until: () => boolean): Promise<void> => {
    await Promise.all(Array.from({ length: lanes }, async () => lane(until)));
  };

  if (only === undefined) await inLanes(() => isDone() || associations >= warmUpRuns);
  const before = await levelOf(node);
  if (only === undefined) await inLanes(isDone);
  else await one(only);
  const after = await levelOf(node);
  // One run alone leaves what is made at first and kept for all.
  const leak = node.fault() ?? (only === undefined ? leakOf(before, after) : undefined);
  const residentMiB = [Math.round(before.residentMiB), Math.round(after.residentMiB)] as const;
  return { mutatedPdus: mutated, associations, answers, failures, leak, residentMiB };
}

function nameOf(expected: {
  kind: string;
  verdict?: readonly number[];
  statuses?: readonly number[];
}): string {
  const { kind, verdict, statuses } = expected;
  if (verdict) return `${kind} ${verdict.join(',')}`;
  if (!statuses) return kind;
  const [status = 0] = statuses;
  return statuses.length > 1 ? 'response, any' : `response ${status.toString(16).padStart(4, '0')}`;
}
