import { viewStateSchema, type ViewState } from '@medusa/protocol';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

/** As strict as the product's own pages: nothing from elsewhere, no code made from text. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data: blob:; frame-src 'self'";

/** Serves the built page as a render node's agent does, with the archive behind `/dicomweb`. */
export interface PageServer extends AsyncDisposable {
  readonly origin: string;
  /** Every view told, in order; a new one wakes `nextView`. */
  readonly views: readonly ViewState[];
  readonly authorizations: readonly string[];
}

interface PageServerOptions {
  readonly folder: string;
  readonly dicomwebUrl: string;
  /** Served at `/viewer`: stands for the viewer page around a local workstation. */
  readonly viewerPage: string;
}

export async function startPageServer({ folder, dicomwebUrl, viewerPage }: PageServerOptions): Promise<PageServer> {
  const views: ViewState[] = [];
  const authorizations: string[] = [];
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, search } = new URL(incoming.url ?? '/', 'http://page');
    if (pathname === '/view-state') {
      views.push(viewStateSchema.parse(JSON.parse(await text(incoming))));
      response.writeHead(204).end();
    } else if (pathname.startsWith('/dicomweb/')) {
      authorizations.push(incoming.headers.authorization ?? '');
      pipe(`${dicomwebUrl}${pathname.slice('/dicomweb'.length)}${search}`, incoming, response);
    } else if (pathname === '/viewer') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(viewerPage);
    } else {
      const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
      const body = await readFile(join(folder, name)).catch(() => null);
      if (body === null) response.writeHead(404).end();
      else {
        response
          .writeHead(200, {
            'content-type': contentTypes[extname(name)] ?? 'application/octet-stream',
            'content-security-policy': contentSecurityPolicy,
          })
          .end(body);
      }
    }
  };
  const server: Server = createServer((incoming, response) => {
    answer(incoming, response).catch(() => {
      response.writeHead(500).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    views,
    authorizations,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function pipe(url: string, incoming: IncomingMessage, response: ServerResponse): void {
  const { accept } = incoming.headers;
  const forwarded = request(url, { headers: accept ? { accept } : {} }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  forwarded.on('error', () => response.writeHead(502).end());
  forwarded.end();
}
