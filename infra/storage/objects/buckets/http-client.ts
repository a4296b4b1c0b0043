import { createReadStream } from 'node:fs';
import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { AppError } from '@medusa/protocol';

/** So many bytes of a file, from `start` on, or from its beginning. */
type FileBody = { readonly path: string; readonly start?: number; readonly bytes: number };
export type HttpCall = {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** All calls can be made again, so a body is either short or a file. */
  readonly body?: string | FileBody;
  readonly signal: AbortSignal;
};
/** The body has to be read, or the message destroyed. */
export type HttpReply = {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: IncomingMessage;
};

/** HTTP for objects: bodies are streamed both ways, connections are kept, and silence is bounded. */
export interface HttpClient extends Disposable {
  /** @throws AppError `storage.unreachable` */
  call(call: HttpCall): Promise<HttpReply>;
}

type Options = {
  /** PEM; by default what the process trusts. */
  readonly ca?: string | undefined;
  /** A connection that is silent for so long is given up. */
  readonly silenceMs: number;
};

const longBytes = 1024 * 1024;
/** Not everybody answers an expectation. */
const mostPatienceMs = 1_000;
const connections = { keepAlive: true, maxSockets: 64, maxFreeSockets: 8 };

export function openHttpClient({ ca, silenceMs }: Options): HttpClient {
  const plain = new HttpAgent(connections);
  const secure = new HttpsAgent({ ...connections, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) });

  const attempt = async (call: HttpCall): Promise<HttpReply | 'stale'> => {
    const { method, url, headers, body, signal } = call;
    const [request, agent] =
      url.protocol === 'https:' ? ([httpsRequest, secure] as const) : ([httpRequest, plain] as const);
    const length = lengthOf(body);
    const asking = request(url, {
      method,
      signal,
      timeout: silenceMs,
      agent,
      headers: {
        ...headers,
        ...(length !== undefined && { 'content-length': String(length) }),
        ...(isLong(body) && { expect: '100-continue' }),
      },
    });
    asking.on('timeout', () => asking.destroy(new Error('It was silent for too long')));
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      asking.once('response', resolve);
      asking.on('error', reject);
    });
    if (typeof body === 'object') sendFile(asking, body);
    else asking.end(body);
    try {
      const answer = await answered;
      // Whoever reads gets the error; without a listener, one that comes in between would end the process.
      answer.on('error', () => undefined);
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: answer };
    } catch (error) {
      // The other side closed a kept connection in the moment in which it was taken again.
      if (asking.reusedSocket && !signal.aborted && isReset(error)) return 'stale';
      throw error;
    }
  };

  return {
    async call(call) {
      try {
        let reply = await attempt(call);
        // Each attempt takes one stale connection away.
        for (let left = connections.maxFreeSockets; reply === 'stale' && left > 0; left--)
          reply = await attempt(call);
        if (reply === 'stale') throw new Error('Connections are closed again and again');
        return reply;
      } catch (error) {
        throw unreachable('The object store does not answer', error);
      }
    },
    [Symbol.dispose]() {
      plain.destroy();
      secure.destroy();
    },
  };
}

/** A long one only when the other side wants it: a refusal that comes in the middle of a body may be lost (RFC 9110 §10.1.1). */
function sendFile(asking: ClientRequest, body: FileBody): void {
  let isSent = false;
  const send = (): void => {
    clearTimeout(timer);
    if (isSent || asking.destroyed) return;
    isSent = true;
    // What becomes of the rest after a refusal concerns nobody.
    const { path, start = 0, bytes } = body;
    void pipeline(createReadStream(path, { start, end: start + bytes - 1 }), asking).catch(() => undefined);
  };
  const timer = isLong(body) ? setTimeout(send, mostPatienceMs) : undefined;
  if (!timer) {
    send();
    return;
  }
  asking.flushHeaders();
  asking.once('continue', send);
  asking.once('close', () => clearTimeout(timer));
  asking.once('response', (answer) => {
    clearTimeout(timer);
    if (isSent) return;
    // It was refused unseen. A connection on which a body is still owed is of no use to others.
    isSent = true;
    answer.once('close', () => asking.destroy());
  });
}

function isLong(body: HttpCall['body']): body is FileBody {
  return typeof body === 'object' && body.bytes > longBytes;
}

function lengthOf(body: HttpCall['body']): number | undefined {
  return typeof body === 'string' ? Buffer.byteLength(body) : body?.bytes;
}

function isReset(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

export function unreachable(message: string, cause?: unknown): AppError {
  return new AppError('storage.unreachable', message, { cause });
}

/** @throws AppError telling the status; what the answer says besides may be anything, and is not told */
export function refused({ status, body }: HttpReply): AppError {
  body.destroy();
  return unreachable(`The object store answered ${status}`);
}

const mostTextBytes = 4 * 1024 * 1024;

export async function textOf({ body }: HttpReply): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > mostTextBytes) throw new Error('The answer is too long');
      chunks.push(chunk);
    }
  } catch (error) {
    throw unreachable('The answer of the object store broke off', error);
  }
  return Buffer.concat(chunks).toString();
}
