import Docker from 'dockerode';
import { z } from 'zod';
import { isProviderFault, ProviderError, type ProviderFault } from '../../port/index.ts';
import type { DockerCredentials, DockerSettings } from './settings.ts';

export type Engine = Docker;

const timeoutMs = 120_000;

/** Docker Engine API v1.41 (docs.docker.com/engine/api/v1.41), which Podman 4 and later speaks too. */
export function openEngine(
  { socketPath, url }: DockerSettings,
  { ca, certificate, key }: DockerCredentials,
): Engine {
  if (socketPath !== undefined) return new Docker({ socketPath, version: 'v1.41', timeout: timeoutMs });
  const { hostname, port } = new URL(url ?? '');
  return new Docker({
    protocol: 'https',
    host: hostname,
    port: port === '' ? 2376 : Number(port),
    version: 'v1.41',
    timeout: timeoutMs,
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key }),
  });
}

/** How dockerode tells of an answer that is no success, or of none. */
const failureSchema = z.object({
  statusCode: z.int().optional(),
  code: z.string().optional(),
  message: z.string().default(''),
});

/** Podman answers 500 for much that Docker has a status for: its text tells. */
const words: readonly (readonly [RegExp, ProviderFault])[] = [
  [/already in use|already exists|already used|being used|is in use|conflict/i, 'conflict'],
  [/no such|not known|not found|unable to find/i, 'not-found'],
  [/no space left|cannot allocate memory|no free subnet|could not select device driver/i, 'capacity'],
  [/state improper|is already paused|not paused|not running/i, 'conflict'],
];

const statuses: Readonly<Record<number, ProviderFault>> = {
  400: 'invalid',
  401: 'auth',
  403: 'auth',
  404: 'not-found',
  409: 'conflict',
  422: 'invalid',
  429: 'rate-limited',
  503: 'rate-limited',
};

const neverSent = ['ECONNREFUSED', 'ENOENT', 'EACCES', 'ENOTFOUND', 'EAI_AGAIN'];

/** Runs one call and tells its failure in the engine's words. `isChange`: whether a lost answer leaves the outcome open. */
export async function told<T>(isChange: boolean, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof ProviderError) throw cause;
    const parsed = failureSchema.safeParse(cause);
    const { statusCode, code, message } = parsed.success ? parsed.data : failureSchema.parse({});
    throw new ProviderError(faultOf({ statusCode, code, message }, isChange), `Docker: ${message}`, {
      cause,
    });
  }
}

type Failure = z.infer<typeof failureSchema>;

function faultOf({ statusCode, code = '', message }: Failure, isChange: boolean): ProviderFault {
  const lost = isChange ? 'unknown-outcome' : 'transient';
  if (statusCode === undefined) {
    if (/CERT|^ERR_TLS|^ERR_SSL/.test(code)) return 'auth';
    return neverSent.includes(code) ? 'transient' : lost;
  }
  const word = words.find(([pattern]) => pattern.test(message))?.[1];
  return statuses[statusCode] ?? word ?? (statusCode >= 500 ? lost : 'invalid');
}

/** For the few calls that dockerode takes no signal for. Only reading ones, and those that do no harm when they go on. */
export async function raced<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([call(), aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** `undefined` when it is not there. */
export async function found<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await told(false, call);
  } catch (error) {
    if (isProviderFault(error, 'not-found')) return undefined;
    throw error;
  }
}

/** A change that may find its work done already: dockerode tells of 304 as a failure. */
export async function changed(call: () => Promise<unknown>): Promise<void> {
  await told(true, async () => {
    await call().catch((error: unknown) => {
      if (failureSchema.safeParse(error).data?.statusCode !== 304) throw error;
    });
  });
}

export function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ProviderError('transient', `Docker's answer is not understood: ${result.error.message}`);
}
