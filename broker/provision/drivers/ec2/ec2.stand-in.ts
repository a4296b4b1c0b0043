import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { computeHandlers } from './ec2-compute.stand-in.ts';
import { networkHandlers } from './ec2-network.stand-in.ts';
import { Ec2World, type Delays } from './ec2-world.stand-in.ts';
import { openQueryModel, QueryError } from './query-model.stand-in.ts';

export const accessKeyId = 'AKIDEXAMPLE';

type Fault =
  | { readonly kind: 'error'; readonly code: string; readonly status: number }
  /** It is done, and the connection breaks before the answer. */
  | { readonly kind: 'break' };

/** An HTTP server that answers as EC2 does: its Query protocol, from the service's own model, on loopback. */
export type Ec2StandIn = AsyncDisposable & {
  readonly url: string;
  readonly world: Ec2World;
  /** Every call so far. */
  readonly calls: readonly {
    readonly action: string;
    readonly parameters: Readonly<Record<string, string>>;
  }[];
  /** The next call of that action fails so. */
  failNext(action: string, fault: Fault): void;
};

export async function startEc2(delays: Delays = { stepMs: 60, hiddenMs: 60 }): Promise<Ec2StandIn> {
  const model = openQueryModel();
  const world = new Ec2World(delays);
  const handlers = { ...computeHandlers(world), ...networkHandlers(world) };
  const faults = new Map<string, Fault>();
  const calls: { action: string; parameters: Record<string, string> }[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = `59dbff89-35bd-4eac-99ed-${String(world.number()).padStart(12, '0')}`;
    try {
      const parameters = new URLSearchParams(await textOf(request));
      checkSignature(request.headers.authorization);
      const { action, input } = model.read(parameters);
      calls.push({ action, parameters: Object.fromEntries(parameters) });
      const fault = faults.get(action);
      faults.delete(action);
      if (fault?.kind === 'error') throw new QueryError(fault.code, 'As the test asked for.', fault.status);
      const handler = handlers[action];
      if (!handler) throw new Error(`No ${action}`);
      const output = handler(input);
      if (fault) response.destroy();
      else reply(response, 200, model.write(action, output, requestId));
    } catch (error) {
      replyError(response, error, requestId);
    }
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    world,
    calls,
    failNext: (action, fault) => void faults.set(action, fault),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Signature Version 4: of this key, for this region and service. */
function checkSignature(authorization: string | undefined): void {
  const isOurs = new RegExp(
    `^AWS4-HMAC-SHA256 Credential=${accessKeyId}/\\d{8}/us-east-1/ec2/aws4_request, SignedHeaders=[^,]+, Signature=[0-9a-f]{64}$`,
  ).test(authorization ?? '');
  if (!isOurs)
    throw new QueryError('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);
}

function replyError(response: ServerResponse, error: unknown, requestId: string): void {
  const { code, message, status } =
    error instanceof QueryError ? error : new QueryError('InternalError', String(error), 500);
  reply(
    response,
    status,
    `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`,
  );
}

function reply(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/xml;charset=UTF-8' }).end(body);
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
