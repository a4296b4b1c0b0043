import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export type StandInRequest = {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};
export type StandInAnswer = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** A real HTTP server on loopback that plays a provider's answers. */
export async function serveStandIn(
  answer: (request: StandInRequest) => StandInAnswer | Promise<StandInAnswer>,
): Promise<AsyncDisposable & { readonly origin: string }> {
  const server = createServer((req, res) => {
    const respond = async (): Promise<void> => {
      const url = new URL(req.url ?? '/', 'http://stand-in');
      const { method = 'GET', headers } = req;
      const {
        status = 200,
        headers: head = {},
        body = '',
      } = await answer({
        ...{ method, url, headers },
        body: await text(req),
      });
      res.writeHead(status, head).end(body);
    };
    respond().catch((error: unknown) => {
      // What the stand-in itself does not know must be seen in the test's failure.
      res.writeHead(500, { 'content-type': 'text/plain' }).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
