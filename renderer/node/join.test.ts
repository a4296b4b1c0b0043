import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nodeIdSchema } from '@medusa/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeTokenFor } from './index.ts';

type Reply = { readonly status: number; readonly body: string };

const nodeId = nodeIdSchema.parse('render-7');
const log = pino({ level: 'silent' });
const signal = AbortSignal.timeout(30_000);
const taken: Reply = { status: 200, body: JSON.stringify({ nodeId, nodeToken: 'node-token' }) };
const refused: Reply = {
  status: 403,
  body: JSON.stringify({
    ...{ type: 'urn:medusa:problem:join.refused', code: 'join.refused', title: 'No', detail: 'It was used' },
    ...{ status: 403, retry: false },
  }),
};

let cleanup: AsyncDisposableStack;
let nodeFolder: string;
const shown: unknown[] = [];

/** A broker's join route that gives these answers in turn, the last one for ever; `hang up` breaks the connection. */
async function startBroker(...replies: (Reply | 'hang up')[]): Promise<string> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      shown.push([request.method, request.url, JSON.parse(body)]);
      const reply = replies.length > 1 ? replies.shift() : replies[0];
      if (reply === undefined || reply === 'hang up') request.socket.destroy();
      else response.writeHead(reply.status, { 'content-type': 'application/json' }).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.defer(
    async () => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections()),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function tokenThatEnds(inSeconds: number): string {
  const payload = { exp: Math.floor(Date.now() / 1000) + inSeconds };
  return ['e30', Buffer.from(JSON.stringify(payload)).toString('base64url'), 'signature'].join('.');
}

const join = async (brokerUrl: string, joinToken: string): Promise<string> =>
  nodeTokenFor({ brokerUrl, nodeId, nodeFolder, joinToken }, { log, signal });

beforeEach(async () => {
  shown.length = 0;
  cleanup = new AsyncDisposableStack();
  nodeFolder = await mkdtemp(path.join(tmpdir(), 'medusa-join-'));
  cleanup.defer(async () => rm(nodeFolder, { recursive: true }));
});
afterEach(async () => cleanup.disposeAsync());

describe('nodeTokenFor', () => {
  it('shows the token, keeps the credentials for itself alone, and shows the token no more', async () => {
    const url = await startBroker(taken);
    const joinToken = tokenThatEnds(60);

    expect([await join(url, joinToken), await join(url, joinToken)]).toEqual(['node-token', 'node-token']);

    expect(shown).toEqual([['POST', '/api/nodes/join', { joinToken }]]);
    const file = path.join(nodeFolder, 'credentials.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain(joinToken);
  });

  it('joins anew when it was invited anew', async () => {
    const url = await startBroker(taken);

    await join(url, tokenThatEnds(60));
    await join(url, tokenThatEnds(61));

    expect(shown).toHaveLength(2);
  });

  it('asks a broker that breaks off, is busy, or is something else altogether again', async () => {
    const url = await startBroker(
      'hang up',
      { status: 503, body: '' },
      { status: 200, body: '<html>' },
      taken,
    );

    expect(await join(url, tokenThatEnds(60))).toBe('node-token');

    expect(shown).toHaveLength(4);
  });

  it('does not ask again when it is refused', async () => {
    await expect(join(await startBroker(refused), tokenThatEnds(60))).rejects.toMatchObject({
      code: 'join.refused',
      message: 'It was used',
    });
    expect(shown).toHaveLength(1);
  });

  it('gives up when the token has ended before a broker was reached, and says why it was not', async () => {
    await expect(join(await startBroker('hang up'), tokenThatEnds(-1))).rejects.toThrow(
      'The join token has expired; the broker was not reached: other side closed',
    );
  });

  it('refuses what is no token without asking anybody, and a token of another node', async () => {
    const url = await startBroker({ status: 200, body: JSON.stringify({ nodeId: 'x', nodeToken: 'y' }) });

    await expect(join(url, 'nonsense')).rejects.toThrow('cannot be read');
    expect(shown).toEqual([]);
    await expect(join(url, tokenThatEnds(60))).rejects.toThrow('of another node');
  });
});
