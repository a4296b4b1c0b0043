import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { AppError, fromProblem, problemSchema } from '@medusa/protocol';

type NodeCall = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: URL;
  readonly token: string;
  /** As JSON. */
  readonly body?: unknown;
  readonly signal: AbortSignal;
};

/**
 * Asks a storage node's own HTTPS interface and answers what it says as JSON; nothing: null.
 * @throws AppError the node's own problem, or `storage.unreachable`
 */
export async function callNode(call: NodeCall): Promise<unknown> {
  const { status, text } = await ask(call);
  if (status >= 200 && status < 300) return text === '' ? null : JSON.parse(text);
  const problem = problemSchema.safeParse(parsed(text));
  throw problem.success
    ? fromProblem(problem.data)
    : new AppError('storage.unreachable', `The storage node answered ${status}`);
}

async function ask({
  method,
  url,
  token,
  body,
  signal,
}: NodeCall): Promise<{ status: number; text: string }> {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json',
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  request(url, { method, headers, signal, agent: false }, (answer) => {
    const status = answer.statusCode ?? 0;
    buffer(answer).then((bytes) => resolve({ status, text: bytes.toString() }), reject);
  })
    .on('error', reject)
    .end(body === undefined ? undefined : JSON.stringify(body));
  try {
    return await promise;
  } catch (cause) {
    throw new AppError('storage.unreachable', 'The storage node does not answer', { cause });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
