import { viewStateSchema, type ViewState } from '@medusa/protocol';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';

const viewTimeoutMs = 20_000;

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
  /** The last view told if it fits, else the first one after it that does. */
  view(fits: (view: ViewState) => boolean): Promise<ViewState>;
  /** The next page goes on with this one; what was told before is forgotten. */
  resumeWith(view: ViewState): void;
  readonly authorizations: readonly string[];
}

interface PageServerOptions {
  readonly folder: string;
  readonly dicomwebUrl: string;
  /** Served at `/viewer`: stands for the viewer page around a local workstation. */
  readonly viewerPage: string;
  /** What the archive is too old to hand out, by the end of the path, as PS3.18 §8.7.3 writes it. */
  readonly frames: ReadonlyMap<string, { readonly bytes: Uint8Array; readonly transferSyntaxUID: string }>;
}

export async function startPageServer({
  folder,
  dicomwebUrl,
  viewerPage,
  frames,
}: PageServerOptions): Promise<PageServer> {
  let last: ViewState | undefined;
  let resuming: ViewState | undefined;
  const told = new EventEmitter();
  const authorizations: string[] = [];
  const answerView = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (incoming.method === 'GET') {
      response.writeHead(resuming ? 200 : 204).end(resuming && JSON.stringify(resuming));
      return;
    }
    last = viewStateSchema.parse(JSON.parse(await text(incoming)));
    response.writeHead(204).end();
    told.emit('view');
  };
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, search } = new URL(incoming.url ?? '/', 'http://page');
    if (pathname === '/view-state') await answerView(incoming, response);
    else if (pathname.startsWith('/dicomweb/')) {
      authorizations.push(incoming.headers.authorization ?? '');
      const [, frame] = [...frames].find(([end]) => pathname.endsWith(end)) ?? [];
      if (frame) {
        sendFrame(frame, response);
        return;
      }
      pipe(`${dicomwebUrl}${pathname.slice('/dicomweb'.length)}${search}`, incoming, response);
    } else if (pathname === '/viewer') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(viewerPage);
    } else await sendFile(folder, pathname, response);
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
    view: async (fits) => {
      const deadline = AbortSignal.timeout(viewTimeoutMs);
      while (!last || !fits(last)) await once(told, 'view', { signal: deadline });
      return last;
    },
    resumeWith: (view) => {
      resuming = view;
      last = undefined;
    },
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

async function sendFile(folder: string, pathname: string, response: ServerResponse): Promise<void> {
  const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
  const body = await readFile(join(folder, name)).catch(() => null);
  if (body === null) {
    response.writeHead(404).end();
    return;
  }
  response
    .writeHead(200, {
      'content-type': contentTypes[extname(name)] ?? 'application/octet-stream',
      'content-security-policy': contentSecurityPolicy,
    })
    .end(body);
}

function sendFrame(
  { bytes, transferSyntaxUID }: { bytes: Uint8Array; transferSyntaxUID: string },
  response: ServerResponse,
): void {
  response.writeHead(200, {
    'content-type': 'multipart/related; type="application/octet-stream"; boundary=frame',
  });
  response.write(
    `--frame\r\nContent-Type: application/octet-stream; transfer-syntax=${transferSyntaxUID}\r\n\r\n`,
  );
  response.write(bytes);
  response.end('\r\n--frame--');
}
