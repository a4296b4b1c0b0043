import { openEndpoint, ProviderError, type ProviderFault } from '../../port/index.ts';
import { z } from 'zod';

export type Redfish = AsyncDisposable & {
  get<Output>(
    path: string,
    schema: z.ZodType<Output>,
    signal: AbortSignal,
  ): Promise<{ body: Output; etag: string | null }>;
  /** `undefined` when there is no such resource. */
  find<Output>(path: string, schema: z.ZodType<Output>, signal: AbortSignal): Promise<Output | undefined>;
  change(
    method: 'POST' | 'PATCH',
    path: string,
    options: { readonly body: object; readonly signal: AbortSignal; readonly etag?: string | null },
  ): Promise<void>;
  /** Every member of a collection, page by page. */
  members(path: string, signal: AbortSignal): Promise<string[]>;
};

const linkSchema = z.object({ '@odata.id': z.string().startsWith('/redfish/') });
const pageSchema = z.object({
  Members: z.array(linkSchema),
  'Members@odata.nextLink': z.string().optional(),
});
/** DSP0266 "Error responses". */
const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    '@Message.ExtendedInfo': z.array(z.object({ Message: z.string().optional() })).optional(),
  }),
});

/** Redfish (DMTF DSP0266) over TLS with HTTP Basic. */
export function openRedfish(
  { endpoint: base, ca }: { readonly endpoint: string; readonly ca?: string | undefined },
  { username, password }: { readonly username: string; readonly password: string },
): Redfish {
  const { origin } = new URL(base);
  const endpoint = openEndpoint({ origins: [origin], ...(ca === undefined ? {} : { ca }) });
  const headers = {
    accept: 'application/json',
    'odata-version': '4.0',
    authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
  };
  const get: Redfish['get'] = async (path, schema, signal) => {
    const answer = await endpoint.ask({ method: 'GET', url: `${origin}${path}`, headers, signal });
    if (answer.status !== 200) throw toError(answer, { what: path, isChange: false });
    return { body: schema.parse(JSON.parse(answer.text)), etag: answer.headers['etag'] ?? null };
  };
  return {
    get,
    async find(path, schema, signal) {
      try {
        return (await get(path, schema, signal)).body;
      } catch (error) {
        if (error instanceof ProviderError && error.fault === 'not-found') return undefined;
        throw error;
      }
    },
    async change(method, path, { body, signal, etag }) {
      const answer = await endpoint.ask({
        method,
        url: `${origin}${path}`,
        headers: { ...headers, 'content-type': 'application/json', ...(etag ? { 'if-match': etag } : {}) },
        body: JSON.stringify(body),
        signal,
      });
      if (answer.status >= 300) throw toError(answer, { what: path, isChange: true });
    },
    async members(path, signal) {
      const found: string[] = [];
      for (let next: string | undefined = path; next !== undefined;) {
        const { body }: { body: z.infer<typeof pageSchema> } = await get(next, pageSchema, signal);
        found.push(...body.Members.map((member) => member['@odata.id']));
        next = body['Members@odata.nextLink'];
      }
      return found;
    },
    [Symbol.asyncDispose]: async () => endpoint[Symbol.asyncDispose](),
  };
}

const faults: Readonly<Record<number, ProviderFault>> = {
  400: 'invalid',
  401: 'auth',
  403: 'auth',
  404: 'not-found',
  405: 'invalid',
  409: 'conflict',
  412: 'conflict',
  428: 'conflict',
  429: 'rate-limited',
  503: 'rate-limited',
};

function toError(
  { status, text }: { status: number; text: string },
  { what, isChange }: { what: string; isChange: boolean },
): ProviderError {
  const fault = faults[status] ?? (isChange && status >= 500 ? 'unknown-outcome' : 'transient');
  return new ProviderError(fault, `${what}: ${reasonOf(text) ?? `status ${status}`}`);
}

function reasonOf(text: string): string | undefined {
  try {
    const { error } = errorSchema.parse(JSON.parse(text));
    const [detail] = error['@Message.ExtendedInfo'] ?? [];
    return detail?.Message ?? error.message;
  } catch {
    // Some controllers answer errors in HTML.
    return undefined;
  }
}
