import type { z } from 'zod';
import { fromProblem, problemSchema } from './problem.ts';
import { joinedSchema, type joinRequestSchema } from './provision.ts';

/** Where a fresh machine shows its one-time join token. */
export const joinPath = '/api/nodes/join';

type Joined = z.infer<typeof joinedSchema>;
type Answer = { readonly status: number; text(): Promise<string> };
type JoinTransport = {
  readonly post: (request: z.infer<typeof joinRequestSchema>) => Promise<Answer>;
  /** Waits before the next attempt; a throw ends the asking. */
  readonly pause: (attempt: number, reason: string) => Promise<void>;
};

/**
 * Shows the one-time token until the broker has answered: a broker that is away or busy is asked again.
 * When an answer is lost on its way the token is used all the same; such a machine has to be replaced.
 * @throws AppError when asking again cannot help, `join.refused` above all; and what `pause` throws.
 */
export async function joinBroker(joinToken: string, { post, pause }: JoinTransport): Promise<Joined> {
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await askOnce(async () => post({ joinToken }));
    if (outcome.kind === 'joined') return outcome.joined;
    await pause(attempt, outcome.reason);
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

/** `fetch` says "fetch failed" and hides in its cause what did. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'The answer is not of a broker';
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
