import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@medusa/kernel';
import { joinOnce, joinPath, type NodeId } from '@medusa/protocol';
import type { Logger } from 'pino';

export type JoinOptions = {
  readonly brokerUrl: string;
  readonly nodeId: NodeId;
  readonly nodeFolder: string;
  readonly joinToken: string;
};

const attemptMs = 15_000;
const pauses = { firstMs: 500, mostMs: 10_000 };

/**
 * The node token for a one-time join token; kept in the node's folder for restarts.
 * @throws AppError `join.refused` when the broker does not take the token, or could not be reached while it was good.
 */
export async function nodeTokenFor(
  { brokerUrl, nodeId, nodeFolder, joinToken }: JoinOptions,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<string> {
  const file = path.join(nodeFolder, 'credentials.json');
  return joinOnce(
    { nodeId, joinToken },
    {
      now: Date.now,
      hashOf: (text) => createHash('sha256').update(text).digest('hex'),
      decode: (base64url) => Buffer.from(base64url, 'base64url').toString(),
      readKept: async () => readFile(file, 'utf8').catch(() => undefined),
      keep: async (text) => {
        await mkdir(nodeFolder, { recursive: true, mode: 0o700 });
        await writeFile(`${file}.new`, text, { mode: 0o600, flush: true });
        await rename(`${file}.new`, file);
        log.info('joined the broker');
      },
      post: async (body) =>
        fetch(new URL(joinPath, brokerUrl), {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body,
          redirect: 'error',
          signal: AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]),
        }),
      pause: async (attempt, reason) => {
        log.warn({ reason, attempt }, 'not joined yet');
        await delay(backoffMs(attempt, Math.random(), pauses), undefined, { signal });
      },
    },
  );
}
