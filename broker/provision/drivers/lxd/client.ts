import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import {
  isProviderFault,
  isSameTag,
  openEndpoint,
  ProviderError,
  type EndpointAnswer,
  type EndpointRequest,
  type Item,
  type Operation,
  type OwnerTag,
  type ProviderFault,
} from '../../port/index.ts';
import type { LxdCredentials, LxdSettings } from './settings.ts';

/** LXD REST API, "Return values": every answer is `sync`, `async` or `error`. */
const answerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('sync'), metadata: z.unknown() }),
  z.object({ type: z.literal('async'), operation: z.string().regex(/^\/1\.0\/operations\/[0-9a-f-]+$/) }),
  z.object({ type: z.literal('error'), error: z.string(), error_code: z.int() }),
]);

/** LXD REST API, "Status codes": 200 success, 400 failure, 401 cancelled; below 200 it goes on. */
const operationSchema = z.object({
  status_code: z.int(),
  err: z.string(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});

const uploadTimeoutMs = 3_600_000;
const longPollSeconds = 20;

type Change = {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  /** Changes only what is still as it was read: else `conflict`. */
  readonly etag?: string;
};

/** LXD's REST API (documentation.ubuntu.com/lxd, "REST API"). Paths are below `/1.0`, made with `pathOf`. */
export type Lxd = AsyncDisposable & {
  /** `undefined` when it is not there. */
  find<T>(schema: z.ZodType<T>, path: string, signal: AbortSignal): Promise<Found<T> | undefined>;
  read<T>(schema: z.ZodType<T>, path: string, signal: AbortSignal): Promise<T>;
  /** Resolves when it is done, also what LXD does in the background, with what that left in its metadata. */
  change(path: string, change: Change, operation: Operation): Promise<Readonly<Record<string, unknown>>>;
  /** Sends a file of any size; done when the operation is. */
  upload(
    path: string,
    sent: { body: Readable; contentType: string },
    operation: Operation,
  ): Promise<Readonly<Record<string, unknown>>>;
  text(path: string, signal: AbortSignal): Promise<string>;
};

/** Where LXD keeps what others wrote onto a thing. */
export const prefix = 'user.medusa-';

type Found<T> = { readonly value: T; readonly etag: string | undefined };

/** Segments are data; query values too. */
export function pathOf(segments: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(query).toString();
  return `/${segments.map((segment) => encodeURIComponent(segment)).join('/')}${search && `?${search}`}`;
}

export function openLxd(settings: LxdSettings, credentials: LxdCredentials): Lxd {
  const { url = 'http://localhost', socketPath, project } = settings;
  const base = new URL(url).origin;
  const { certificate, key, serverCertificate } = credentials;
  const common = {
    origins: [base],
    ...(socketPath !== undefined && { socketPath }),
    ...(serverCertificate !== undefined && { ca: serverCertificate }),
    ...(settings.serverName !== undefined && { serverName: settings.serverName }),
    ...(certificate !== undefined && key !== undefined && { clientCertificate: { certificate, key } }),
  };
  const endpoint = openEndpoint(common);
  const uploads = openEndpoint({ ...common, timeoutMs: uploadTimeoutMs });

  const urlOf = (path: string): string => {
    const target = new URL(`${base}/1.0${path}`);
    target.searchParams.set('project', project);
    return target.href;
  };

  async function ask(request: Omit<EndpointRequest, 'url'> & { path: string }): Promise<EndpointAnswer> {
    const { path, ...rest } = request;
    return endpoint.ask({ ...rest, url: urlOf(path) });
  }

  async function find<T>(
    schema: z.ZodType<T>,
    path: string,
    signal: AbortSignal,
  ): Promise<Found<T> | undefined> {
    const answer = await ask({ method: 'GET', path, signal });
    try {
      const parsed = parseAnswer(answer, false);
      if (parsed.type !== 'sync') throw new ProviderError('transient', `LXD answered ${path} in an odd way`);
      return { value: parse(schema, parsed.metadata, path), etag: answer.headers['etag'] };
    } catch (error) {
      if (isProviderFault(error, 'not-found')) return undefined;
      throw error;
    }
  }

  /** LXD goes on by itself: when we stop waiting, its end is not known. */
  async function finished(path: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const deadline = AbortSignal.timeout(settings.operationSeconds * 1_000);
    const bounded = AbortSignal.any([signal, deadline]);
    for (;;) {
      const waiting = `${path}/wait?timeout=${longPollSeconds}`.replace('/1.0', '');
      const operation = await find(operationSchema, waiting, bounded).catch((cause: unknown) => {
        throw new ProviderError('unknown-outcome', 'LXD has not told how its operation ended', { cause });
      });
      if (!operation) throw new ProviderError('unknown-outcome', 'LXD does not know its operation any more');
      const { status_code: status, err, metadata } = operation.value;
      if (status >= 400) throw new ProviderError(faultOfText(err) ?? 'transient', `LXD: ${err}`);
      if (status >= 200) return metadata ?? {};
    }
  }

  async function done(
    answer: EndpointAnswer,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const parsed = parseAnswer(answer, true);
    return parsed.type === 'async' ? finished(parsed.operation, signal) : {};
  }

  return {
    find,
    async read(schema, path, signal) {
      const found = await find(schema, path, signal);
      if (!found) throw new ProviderError('not-found', `LXD has no ${path}`);
      return found.value;
    },
    async change(path, { method, body, etag }, { signal }) {
      const headers = {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(etag !== undefined && { 'if-match': etag }),
      };
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      return done(await ask({ method, path, headers, signal, ...sent }), signal);
    },
    async upload(path, { body, contentType }, { signal }) {
      const headers = { 'content-type': contentType };
      return done(
        await uploads.ask({ method: 'POST', url: urlOf(path), headers, body, signal, isChange: true }),
        signal,
      );
    },
    async text(path, signal) {
      const answer = await ask({ method: 'GET', path, signal });
      if (answer.status >= 400) parseAnswer(answer, false);
      return answer.text;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([endpoint[Symbol.asyncDispose](), uploads[Symbol.asyncDispose]()]);
    },
  };
}

type Parsed = Exclude<z.infer<typeof answerSchema>, { type: 'error' }>;

function parseAnswer({ status, text }: EndpointAnswer, isChange: boolean): Parsed {
  const lost: ProviderFault = isChange ? 'unknown-outcome' : 'transient';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ProviderError(status === 403 ? 'auth' : lost, `LXD answered ${status} without JSON`);
  }
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) throw new ProviderError(lost, `LXD's answer is not understood (${status})`);
  if (parsed.data.type !== 'error') return parsed.data;
  const { error, error_code: code } = parsed.data;
  throw new ProviderError(faultOfText(error) ?? faultOfStatus(code, lost), `LXD: ${error} (${code})`);
}

/** LXD answers 400 and 500 for much that has a better word: its text tells. */
const words: readonly (readonly [RegExp, ProviderFault])[] = [
  [/already exists|already in use|is busy|in use|currently used|device or resource busy/i, 'conflict'],
  [/not found|doesn't exist|does not exist/i, 'not-found'],
  [/quota|reached maximum|project .*limit|exceed/i, 'quota'],
  [/no space left|not enough|cannot allocate memory|failed to find a suitable/i, 'capacity'],
  [/^invalid|invalid value|not a usable|not within|no such|required|unknown configuration/i, 'invalid'],
];

function faultOfText(text: string): ProviderFault | undefined {
  return words.find(([pattern]) => pattern.test(text))?.[1];
}

function faultOfStatus(code: number, lost: ProviderFault): ProviderFault {
  const faults: Readonly<Record<number, ProviderFault>> = {
    401: 'auth',
    403: 'auth',
    404: 'not-found',
    409: 'conflict',
    412: 'conflict',
    429: 'rate-limited',
    503: 'rate-limited',
  };
  return faults[code] ?? (code >= 500 ? lost : 'invalid');
}

function parse<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProviderError('transient', `LXD's answer to ${path} is not understood: ${parsed.error.message}`);
}

/** Waits for a call and lets faults pass that mean it was not needed. */
export async function ignoring(
  faults: readonly ProviderError['fault'][],
  call: Promise<unknown>,
): Promise<void> {
  await call.catch((error: unknown) => {
    if (!isProviderFault(error, ...faults)) throw error;
  });
}

/**
 * Makes a thing under a name that can be taken once. Taken already by the same tag: that one is answered, whoever made it.
 * `look` answers the thing of that name.
 */
export async function createOnce<Thing extends Item>(
  tag: OwnerTag,
  create: () => Promise<unknown>,
  look: () => Promise<Thing | undefined>,
): Promise<Thing> {
  let taken: ProviderError | undefined;
  await create().catch((error: unknown) => {
    if (!isProviderFault(error, 'conflict')) throw error;
    taken = error;
  });
  const thing = await look();
  if (thing && isSameTag(thing.tag, tag)) return thing;
  throw taken ?? new ProviderError('transient', `What was made for ${tag.resource} is gone already`);
}

/** Reads, changes and writes back; again when somebody else wrote in between (RFC 9110 §13.1.1, `If-Match`). */
export async function rewrite<T>(
  lxd: Lxd,
  { schema, path, next }: { schema: z.ZodType<T>; path: string; next: (value: T) => unknown },
  operation: Operation,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await lxd.find(schema, path, operation.signal);
    if (!found) throw new ProviderError('not-found', `LXD has no ${path}`);
    const body = next(found.value);
    if (body === undefined) return;
    const etag = found.etag === undefined ? {} : { etag: found.etag };
    try {
      await lxd.change(path, { method: 'PUT', body, ...etag }, operation);
      return;
    } catch (error) {
      if (!isProviderFault(error, 'conflict') || attempt === 3) throw error;
    }
  }
}

/** A record without some of its keys. */
export function without<T>(record: Readonly<Record<string, T>>, ...keys: string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}

/** Tries again, half a second later, what something that goes on at LXD still stands in the way of. */
export async function patiently(
  operation: Operation,
  call: () => Promise<void>,
  maxAttempts = 5,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await call();
      return;
    } catch (error) {
      if (!isProviderFault(error, 'transient', 'conflict') || attempt === maxAttempts) throw error;
      await pause(500, undefined, { signal: operation.signal }).catch(() => {
        throw error;
      });
    }
  }
}
