import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loopbackCertificate } from '../../testing/certificate.ts';
import { openHttpClient, textOf, type HttpClient } from './http-client.ts';
import { rangedRead } from './ranged-read.ts';

const never = new AbortController().signal;
const longBytes = 4 * 1024 * 1024;

/** Servers that do what real ones do on bad days. */
describe('HTTP for objects', () => {
  const opened = new Set<Server>();
  let folder: string;
  let http: HttpClient;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'http-client-'));
    http = openHttpClient({ silenceMs: 500 });
  });
  afterEach(async () => {
    http[Symbol.dispose]();
    for (const server of opened) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
    opened.clear();
    await rm(folder, { recursive: true });
  });

  const listen = async (server: Server, scheme = 'http'): Promise<URL> => {
    opened.add(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  };
  const serve = async (listener: RequestListener): Promise<URL> => listen(createServer(listener));
  const longFile = async (): Promise<{ path: string; bytes: number }> => {
    const path = join(folder, 'long');
    await writeFile(path, randomBytes(longBytes));
    return { path, bytes: longBytes };
  };

  it('believes the authority that it was given, and no other', async () => {
    const { cert, key } = await loopbackCertificate();
    const url = await listen(
      createSecureServer({ cert, key }, (_req, res) => res.end('fine')),
      'https',
    );
    using trusting = openHttpClient({ silenceMs: 500, ca: cert });

    const reply = await trusting.call({ method: 'GET', url, headers: {}, signal: never });

    expect(await textOf(reply)).toBe('fine');
    const stranger = http.call({ method: 'GET', url, headers: {}, signal: never });
    await expect(stranger).rejects.toMatchObject({ code: 'storage.unreachable' });
  });

  it('gives up who says nothing', async () => {
    const url = await serve(() => undefined);

    const waiting = http.call({ method: 'GET', url, headers: {}, signal: never });

    await expect(waiting).rejects.toMatchObject({ code: 'storage.unreachable' });
  });

  it('hears why a long body is refused, and does not send it', async () => {
    const server = createServer();
    let received = 0;
    // Node answers an expectation by itself unless somebody else does.
    server.on('checkContinue', (req, res) => {
      req.on('data', (chunk: Buffer) => (received += chunk.length));
      res.writeHead(413, { connection: 'close' }).end('too long');
    });
    const url = await listen(server);

    const reply = await http.call({
      method: 'PUT',
      url,
      headers: {},
      body: await longFile(),
      signal: never,
    });

    expect(reply.status).toBe(413);
    expect(await textOf(reply)).toBe('too long');
    expect(received).toBe(0);
  });

  it('sends a long body also to who does not know expectations', async () => {
    const server = createServer();
    let received = 0;
    server.on('checkContinue', (req, res) => {
      req.on('data', (chunk: Buffer) => (received += chunk.length));
      req.on('end', () => res.writeHead(201).end());
    });
    const url = await listen(server);
    using patient = openHttpClient({ silenceMs: 10_000 });

    const reply = await patient.call({
      method: 'PUT',
      url,
      headers: {},
      body: await longFile(),
      signal: never,
    });

    expect(reply.status).toBe(201);
    expect(received).toBe(longBytes);
    await textOf(reply);
  });

  it('goes on where an answer broke off, and ends with an error when it always does', async () => {
    const object = randomBytes(100_000);
    let most = 30_000;
    const asked: string[] = [];
    const url = await serve((req, res) => {
      asked.push(req.headers.range ?? '');
      const [start = 0, end = 0] = (req.headers.range ?? '').match(/\d+/g)?.map(Number) ?? [];
      res.writeHead(206, {
        etag: '"tag"',
        'content-range': `bytes ${start}-${end}/${object.length}`,
        'content-length': String(end - start + 1),
      });
      const part = object.subarray(start, end + 1);
      if (part.length <= most) res.end(part);
      else res.write(part.subarray(0, most), () => res.destroy());
    });
    const read = async (): Promise<Buffer> => {
      const ask = async ([start, length]: readonly [number, number]) =>
        http.call({
          method: 'GET',
          url,
          headers: { range: `bytes=${start}-${start + length - 1}` },
          signal: never,
        });
      const chunks: Buffer[] = [];
      for await (const chunk of rangedRead(ask, { extent: [0, object.length], etag: 'tag' }, never))
        chunks.push(chunk);
      return Buffer.concat(chunks);
    };

    expect((await read()).equals(object)).toBe(true);
    expect(asked).toHaveLength(4);
    most = 0;
    await expect(read()).rejects.toMatchObject({ code: 'storage.unreachable' });
  });
});
