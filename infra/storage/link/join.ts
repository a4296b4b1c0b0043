import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@medusa/kernel';
import { joinOnce, joinPath, type NodeId } from '@medusa/protocol';
import type { Logger } from 'pino';

const attemptMs = 15_000;
const pauses = { firstMs: 500, mostMs: 10_000 };

/**
 * The node token for a one-time join token; kept in the node's folder for restarts.
 * @throws AppError `join.refused` when the broker does not take the token, or could not be reached while it was good
 */
export async function nodeTokenFor(
  options: { brokerUrl: string; nodeId: NodeId; directory: string; joinToken: string },
  { log }: { log: Logger },
): Promise<string> {
  const { brokerUrl, nodeId, directory, joinToken } = options;
  const file = join(directory, 'credentials.json');
  return joinOnce(
    { nodeId, joinToken },
    {
      now: Date.now,
      hashOf: (text) => createHash('sha256').update(text).digest('hex'),
      decode: (base64url) => Buffer.from(base64url, 'base64url').toString(),
      readKept: async () => readFile(file, 'utf8').catch(() => undefined),
      async keep(text) {
        await writeFile(`${file}.new`, text, { mode: 0o600, flush: true });
        await rename(`${file}.new`, file);
      },
      post: async (body) =>
        fetch(new URL(joinPath, brokerUrl), {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body,
          redirect: 'error',
          signal: AbortSignal.timeout(attemptMs),
        }),
      async pause(attempt, reason) {
        log.warn({ reason, attempt }, 'not joined yet');
        await delay(backoffMs(attempt, Math.random(), pauses));
      },
    },
  );
}
