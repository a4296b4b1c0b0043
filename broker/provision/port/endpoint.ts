import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { ProviderError } from './errors.ts';

export type EndpointSettings = {
  /** Where the provider answers. Only origins listed here are ever reached, whatever an answer links to. */
  readonly origins: readonly string[];
  /** PEM. Absent: the system's authorities. */
  readonly ca?: string;
  /** The name in the server's certificate, where it is not the one in the URL. */
  readonly serverName?: string;
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  /** Unix socket through which `http://localhost` is reached. */
  readonly socketPath?: string;
  readonly timeoutMs?: number;
  /** Bodies above this are refused. */
  readonly maxBytes?: number;
};

export type EndpointRequest = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | Readable;
  readonly signal: AbortSignal;
  /** Whether it changes something: then a broken connection has an unknown outcome. Default: all but GET and HEAD. */
  readonly isChange?: boolean;
};

export type EndpointAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
};

export type Endpoint = AsyncDisposable & {
  /** Any status is an answer; only a failure to get one throws. Redirects are not followed. */
  ask(request: EndpointRequest): Promise<EndpointAnswer>;
};

/** Link-local addresses carry the cloud's own metadata and credentials: no provider is configured there. */
const metadataHosts = /^(169\.254\.|\[?fe80:|metadata\.|\[?fd00:ec2:)/i;

/** HTTP to one provider: its origins only, bounded in time and size, failures told in the engine's words. */
export function openEndpoint(settings: EndpointSettings): Endpoint {
  const origins = new Set(settings.origins.map((text) => checkedOrigin(text)));
  const timeoutMs = settings.timeoutMs ?? 60_000;
  const maxBytes = settings.maxBytes ?? 32 * 1024 * 1024;
  const agent = new Agent({
    connect: {
      timeout: Math.min(timeoutMs, 10_000),
      ...(settings.ca === undefined ? {} : { ca: settings.ca }),
      ...(settings.serverName === undefined ? {} : { servername: settings.serverName }),
      ...(settings.clientCertificate && {
        cert: settings.clientCertificate.certificate,
        key: settings.clientCertificate.key,
      }),
      ...(settings.socketPath === undefined ? {} : { socketPath: settings.socketPath }),
    },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connections: 16,
  });
  return {
    async ask({ method, url, headers, body, signal, isChange = method !== 'GET' && method !== 'HEAD' }) {
      const { origin } = new URL(url);
      if (!origins.has(origin)) throw new ProviderError('invalid', `${origin} is not a configured endpoint`);
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      try {
        const answer = await request(url, {
          method,
          headers: { 'user-agent': 'medusa', ...headers },
          body: body ?? null,
          dispatcher: agent,
          signal: bounded,
        });
        const text = await readBounded(answer.body, maxBytes);
        return { status: answer.statusCode, headers: flatten(answer.headers), text };
      } catch (cause) {
        if (cause instanceof ProviderError) throw cause;
        throw failureOf(cause, isChange, origin);
      }
    },
    async [Symbol.asyncDispose]() {
      await agent.destroy();
    },
  };
}

function checkedOrigin(text: string): string {
  const { origin, hostname, protocol } = new URL(text);
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new ProviderError('invalid', `${text} is not http(s)`);
  if (metadataHosts.test(hostname)) throw new ProviderError('invalid', `${hostname} is a metadata address`);
  return origin;
}

async function readBounded(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.byteLength;
    if (size > maxBytes)
      throw new ProviderError('transient', `The provider's answer exceeds ${maxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** A connection that was never made changed nothing; one that broke later may have. */
function failureOf(cause: unknown, isChange: boolean, origin: string): ProviderError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const isNeverSent = [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'UND_ERR_CONNECT_TIMEOUT',
    'ENOENT',
    'EACCES',
  ].includes(code);
  // Node.js, "X509 certificate error codes": UNABLE_TO_VERIFY_LEAF_SIGNATURE is one that names no certificate.
  const isTls = code.startsWith('ERR_TLS') || code.includes('CERT') || code.startsWith('UNABLE_TO_');
  if (isTls) return new ProviderError('auth', `${origin} is not trusted: ${code}`, { cause });
  const fault = isChange && !isNeverSent ? 'unknown-outcome' : 'transient';
  return new ProviderError(fault, `${origin} gave no answer${code && ` (${code})`}`, { cause });
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}
