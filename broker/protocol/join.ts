import { z } from 'zod';
import type { NodeId } from './ids.ts';
import { joinTokenClaimsSchema } from './node.ts';
import { AppError, fromProblem, problemSchema } from './problem.ts';
import { joinedSchema, type joinRequestSchema } from './provision.ts';

/** Where a fresh machine shows its one-time join token. */
export const joinPath = '/api/nodes/join';

/** What a machine keeps for its restarts. */
const credentialsSchema = joinedSchema.extend({
  /** Of the join token that they were given for: a machine that was invited anew has to join anew. */
  joinTokenHash: z.string(),
});
const expirySchema = joinTokenClaimsSchema.pick({ exp: true });

type Answer = { readonly status: number; text(): Promise<string> };
type Joined = z.infer<typeof joinedSchema>;
type JoinDeps = {
  readonly now: () => number;
  readonly hashOf: (text: string) => string;
  readonly decode: (base64url: string) => string;
  readonly readKept: () => Promise<string | undefined>;
  readonly keep: (text: string) => Promise<void>;
  /** To `joinPath`, as JSON. */
  readonly post: (body: string) => Promise<Answer>;
  /** Waits before the next attempt; a throw ends the asking. */
  readonly pause: (attempt: number, reason: string) => Promise<void>;
};

/**
 * The node token of a machine: the one it kept, or the one the broker gives for the one-time join token. A broker that is
 * away or busy is asked again as long as the token is good. When an answer is lost on its way the token is used all the
 * same; such a machine has to be replaced.
 * @throws AppError when asking again cannot help, `join.refused` above all; and what `pause` throws.
 */
export async function joinOnce(
  { nodeId, joinToken }: { readonly nodeId: NodeId; readonly joinToken: string },
  deps: JoinDeps,
): Promise<string> {
  const joinTokenHash = deps.hashOf(joinToken);
  const kept = readCredentials(await deps.readKept());
  if (kept?.joinTokenHash === joinTokenHash) return kept.nodeToken;

  const expiresAtMs = expiryOf(joinToken, deps.decode);
  const joined = await askUntilAnswered(joinToken, { ...deps, expiresAtMs });
  if (joined.nodeId !== nodeId)
    throw new AppError('join.refused', 'The join token is of another node than this machine was told to be');
  await deps.keep(JSON.stringify({ ...joined, joinTokenHash }));
  return joined.nodeToken;
}

async function askUntilAnswered(
  joinToken: string,
  { post, pause, now, expiresAtMs }: JoinDeps & { readonly expiresAtMs: number },
): Promise<Joined> {
  const request: z.infer<typeof joinRequestSchema> = { joinToken };
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await askOnce(async () => post(JSON.stringify(request)));
    if (outcome.kind === 'joined') return outcome.joined;
    const { reason } = outcome;
    if (now() > expiresAtMs)
      throw new AppError('join.refused', `The join token has expired; the broker was not reached: ${reason}`);
    await pause(attempt, reason);
  }
}

type Outcome = { kind: 'joined'; joined: Joined } | { kind: 'not-yet'; reason: string };

async function askOnce(post: () => Promise<Answer>): Promise<Outcome> {
  let answer: { status: number; body: unknown };
  try {
    const response = await post();
    answer = { status: response.status, body: JSON.parse(await response.text()) };
  } catch (error) {
    return { kind: 'not-yet', reason: reasonOf(error) };
  }
  const joined = joinedSchema.safeParse(answer.body);
  if (answer.status === 200 && joined.success) return { kind: 'joined', joined: joined.data };
  const problem = problemSchema.safeParse(answer.body).data;
  if (problem && !problem.retry) throw fromProblem(problem);
  return { kind: 'not-yet', reason: problem?.title ?? `HTTP ${answer.status}` };
}

/** Half a file is no file: such a machine shows its token again, and is told if that was used. */
function readCredentials(text: string | undefined): z.infer<typeof credentialsSchema> | undefined {
  try {
    return text === undefined ? undefined : credentialsSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The broker checks the token; here its end is only read, to know when asking makes no sense any more. */
function expiryOf(joinToken: string, decode: (base64url: string) => string): number {
  try {
    return expirySchema.parse(JSON.parse(decode(joinToken.split('.')[1] ?? ''))).exp * 1000;
  } catch (cause) {
    throw new AppError('join.refused', 'The join token cannot be read', { cause });
  }
}

/** `fetch` says "fetch failed" and hides in its cause what did. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'The answer is not of a broker';
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
