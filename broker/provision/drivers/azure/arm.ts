import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { openEndpoint, ProviderError, type EndpointAnswer, type EndpointRequest } from '../../port/index.ts';
import { asyncFaultOf, faultOf } from './faults.ts';
import type { Credentials, Settings } from './settings.ts';

type Call = {
  readonly method: EndpointRequest['method'];
  /** Path with query, or a whole URL that an answer named. */
  readonly url: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Azure Resource Manager, as an application of the tenant (OAuth 2 client credentials). */
export type Arm = AsyncDisposable & {
  /** Throws what is not 2xx. */
  call(call: Call, signal: AbortSignal): Promise<EndpointAnswer>;
  /** Waits until what an answer began is done ("Track asynchronous Azure operations"). */
  finish(answer: EndpointAnswer, signal: AbortSignal): Promise<void>;
};

const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number() });
const operationSchema = z.object({ status: z.string() });

/** A token is not used in its last minutes: it must outlive the call. */
const spareMs = 5 * 60_000;

export function openArm(settings: Settings, credentials: Credentials, now: () => Date): Arm {
  const management = new URL(settings.management).origin;
  const endpoint = openEndpoint({ origins: [management, new URL(settings.authority).origin] });
  let token: { text: string; until: number } | undefined;

  const fetchToken = async (signal: AbortSignal): Promise<string> => {
    const answer = await endpoint.ask({
      method: 'POST',
      url: `${settings.authority.replace(/\/+$/, '')}/${settings.tenant}/oauth2/v2.0/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: credentials.clientId,
        client_secret: credentials.clientSecret,
        scope: `${management}/.default`,
      }).toString(),
      signal,
      isChange: false,
    });
    if (answer.status >= 400 && answer.status < 429)
      throw new ProviderError('auth', faultOf(answer, false).message);
    if (answer.status !== 200) throw faultOf(answer, false);
    const { access_token: text, expires_in: seconds } = parseJson(tokenSchema, answer.text);
    token = { text, until: now().getTime() + seconds * 1_000 - spareMs };
    return text;
  };
  const ask = async ({ method, url, body, headers }: Call, signal: AbortSignal): Promise<EndpointAnswer> => {
    const text = token && token.until > now().getTime() ? token.text : await fetchToken(signal);
    return endpoint.ask({
      method,
      url: url.startsWith('/') ? management + url : url,
      headers: { authorization: `Bearer ${text}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
  };
  const call = async (wanted: Call, signal: AbortSignal): Promise<EndpointAnswer> => {
    signal.throwIfAborted();
    let answer = await ask(wanted, signal);
    if (answer.status === 401) {
      // The token was withdrawn before its time: once more with a fresh one.
      token = undefined;
      answer = await ask(wanted, signal);
    }
    if (answer.status < 200 || answer.status > 299) throw faultOf(answer, wanted.method !== 'GET');
    return answer;
  };
  return {
    call,
    async finish(first, signal) {
      const url = first.headers['azure-asyncoperation'] ?? first.headers['location'];
      if (url === undefined) return;
      const isStatus = first.headers['azure-asyncoperation'] !== undefined;
      for (let answer = first; ;) {
        await setTimeout(pauseMs(answer), undefined, { signal });
        answer = await call({ method: 'GET', url }, signal);
        if (isStatus ? hasEnded(answer) : answer.status !== 202) return;
      }
    },
    [Symbol.asyncDispose]: async () => endpoint[Symbol.asyncDispose](),
  };
}

/** `Retry-After` in seconds; without one every second. */
function pauseMs({ headers }: EndpointAnswer): number {
  const seconds = Number(headers['retry-after'] ?? 1);
  return Number.isFinite(seconds) ? seconds * 1_000 : 1_000;
}

function hasEnded({ text }: EndpointAnswer): boolean {
  const { status } = parseJson(operationSchema, text);
  if (status === 'Failed' || status === 'Canceled') throw asyncFaultOf(text);
  return status === 'Succeeded';
}

/** Only what we use is looked at. */
export function parseJson<Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProviderError('transient', "The provider's answer is no JSON");
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.join('.') ?? '';
  throw new ProviderError('transient', `The provider's answer is not understood at ${where}`);
}
