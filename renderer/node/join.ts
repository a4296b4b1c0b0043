import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@medusa/kernel';
import {
  AppError,
  joinBroker,
  joinedSchema,
  joinPath,
  joinTokenClaimsSchema,
  type NodeId,
} from '@medusa/protocol';
import type { Logger } from 'pino';
import { z } from 'zod';

export type JoinOptions = {
  readonly brokerUrl: string;
  readonly nodeId: NodeId;
  readonly nodeFolder: string;
  readonly joinToken: string;
};

const credentialsSchema = joinedSchema.extend({
  /** Of the join token that they were given for: a machine that was invited anew has to join anew. */
  joinTokenHash: z.string(),
});
const expirySchema = joinTokenClaimsSchema.pick({ exp: true });
const attemptMs = 15_000;
const pauses = { firstMs: 500, mostMs: 10_000 };

/**
 * The node token of this machine: the one kept in its folder, or the one the broker gives for the one-time join token.
 * @throws AppError `join.refused` when the broker does not take the token, or could not be reached while it was good.
 */
export async function joinOnce(
  options: JoinOptions,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<string> {
  const { brokerUrl, nodeId, nodeFolder, joinToken } = options;
  const file = path.join(nodeFolder, 'credentials.json');
  const joinTokenHash = createHash('sha256').update(joinToken).digest('hex');
  const kept = await readCredentials(file);
  if (kept?.joinTokenHash === joinTokenHash) return kept.nodeToken;

  const expiresAtMs = expiryOf(joinToken);
  const joined = await joinBroker(joinToken, {
    post: async (request) =>
      fetch(new URL(joinPath, brokerUrl), {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(request),
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]),
      }),
    pause: async (attempt, reason) => {
      if (Date.now() > expiresAtMs)
        throw new AppError(
          'join.refused',
          `The join token has expired; the broker was not reached: ${reason}`,
        );
      log.warn({ reason, attempt }, 'not joined yet');
      await delay(backoffMs(attempt, Math.random(), pauses), undefined, { signal });
    },
  });
  if (joined.nodeId !== nodeId)
    throw new AppError('join.refused', 'The join token is of another node than this machine was told to be');
  await mkdir(nodeFolder, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, JSON.stringify({ ...joined, joinTokenHash }), { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  log.info({ nodeId }, 'joined the broker');
  return joined.nodeToken;
}

async function readCredentials(file: string): Promise<z.infer<typeof credentialsSchema> | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : credentialsSchema.parse(JSON.parse(text));
}

/** The broker checks the token; here its end is only read, to know when asking makes no sense any more. */
function expiryOf(joinToken: string): number {
  const payload = Buffer.from(joinToken.split('.')[1] ?? '', 'base64url').toString();
  try {
    return expirySchema.parse(JSON.parse(payload)).exp * 1000;
  } catch (cause) {
    throw new AppError('join.refused', 'The join token cannot be read', { cause });
  }
}
