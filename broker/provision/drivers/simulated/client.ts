import type { ResourceKind } from '@medusa/protocol';
import { z } from 'zod';
import {
  isProviderFault,
  openEndpoint,
  ProviderError,
  type EndpointAnswer,
  type EndpointRequest,
  type ProviderFault,
  type ResourcePort,
} from '../../port/index.ts';
import { errorSchema, itemSchemas, pageSchema, type errorCodes } from './cloud-api.ts';

type Ask<Answer> = {
  readonly method: EndpointRequest['method'];
  readonly path: string;
  readonly body?: unknown;
  readonly schema: z.ZodType<Answer>;
  readonly signal: AbortSignal;
};
type ItemOf<Kind extends ResourceKind> = z.output<(typeof itemSchemas)[Kind]>;

export type SimulatedClient = AsyncDisposable & {
  readonly ask: <Answer>(asked: Ask<Answer>) => Promise<Answer>;
  readonly portOf: <Kind extends ResourceKind>(kind: Kind) => ResourcePort<unknown, ItemOf<Kind>>;
  readonly act: (
    kind: ResourceKind,
    call: { ref: string; action: string; argument?: string },
    signal: AbortSignal,
  ) => Promise<void>;
  /** What is not there need not be taken away. */
  readonly unlessAbsent: (call: Promise<unknown>) => Promise<void>;
};

export function openSimulatedClient(base: string, token: string | undefined): SimulatedClient {
  const endpoint = openEndpoint({ origins: [base], timeoutMs: 60_000 });

  const ask: SimulatedClient['ask'] = async ({ method, path, body, schema, signal }) => {
    signal.throwIfAborted();
    const answer = await endpoint.ask({
      method,
      url: new URL(`/v1/${path}`.replace(/\/$/, ''), base).href,
      headers: {
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
    if (answer.status >= 300) throw failureOf(answer, method !== 'GET');
    const parsed = schema.safeParse(parseJson(answer.text));
    if (!parsed.success)
      throw new ProviderError(
        method === 'GET' ? 'transient' : 'unknown-outcome',
        `The answer to ${method} ${path} is not understood`,
        { cause: parsed.error },
      );
    return parsed.data;
  };

  const unlessAbsent: SimulatedClient['unlessAbsent'] = async (call) => {
    try {
      await call;
    } catch (error) {
      if (!isProviderFault(error, 'not-found')) throw error;
    }
  };

  return {
    ask,
    unlessAbsent,
    async act(kind, { ref, action, argument }, signal) {
      const path = `${kind}/${encodeURIComponent(ref)}/${action}`;
      await ask({ method: 'POST', path, body: { argument }, schema: anything, signal });
    },
    portOf(kind) {
      // Of a union of schemas TypeScript does not see which one belongs to `kind`.
      const schema = itemSchemas[kind] as unknown as z.ZodType<ItemOf<typeof kind>>;
      type Page = { items: ItemOf<typeof kind>[]; next: string | null };
      const pathOf = (ref: string): string => `${kind}/${encodeURIComponent(ref)}`;
      return {
        create: async (spec, tag, name, { id, signal }) =>
          ask({ method: 'POST', path: kind, body: { name, tag, token: id, spec }, schema, signal }),
        async get(ref, signal) {
          try {
            return await ask({ method: 'GET', path: pathOf(ref), schema, signal });
          } catch (error) {
            if (isProviderFault(error, 'not-found')) return undefined;
            throw error;
          }
        },
        async list(owner, signal) {
          const found = new Map<string, ItemOf<typeof kind>>();
          let page: string | null = '0';
          while (page !== null) {
            const path = `${kind}?owner=${encodeURIComponent(owner)}&page=${page}`;
            const answer: Page = await ask({ method: 'GET', path, schema: pageSchema(schema), signal });
            // A list may shift while it is read: each thing once.
            for (const item of answer.items) found.set(item.ref, item);
            page = answer.next;
          }
          return [...found.values()];
        },
        destroy: async (ref, { signal }) =>
          unlessAbsent(ask({ method: 'DELETE', path: pathOf(ref), schema: anything, signal })),
      };
    },
    [Symbol.asyncDispose]: async () => endpoint[Symbol.asyncDispose](),
  };
}

const anything = z.unknown();

const faults: Readonly<Record<(typeof errorCodes)[number], ProviderFault>> = {
  unauthorized: 'auth',
  'not-found': 'not-found',
  conflict: 'conflict',
  quota: 'quota',
  capacity: 'capacity',
  throttled: 'rate-limited',
  invalid: 'invalid',
  internal: 'transient',
};

function failureOf({ status, headers, text }: EndpointAnswer, isChange: boolean): ProviderError {
  const told = errorSchema.safeParse(parseJson(text)).data?.error;
  const fault = told ? faults[told.code] : 'transient';
  const message = told ? `${told.code}: ${told.message}` : `The simulated cloud answered ${status}`;
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return new ProviderError(fault === 'transient' && isChange ? 'unknown-outcome' : fault, message, {
    ...(Number.isNaN(seconds) ? {} : { retryAfterMs: seconds * 1_000 }),
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
