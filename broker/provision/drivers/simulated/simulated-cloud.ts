import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { answerTo, type CloudCall } from './cloud-answers.ts';
import { CloudError } from './cloud-error.ts';
import { cloudFaultsSchema, cloudSettingsSchema, type CloudSettings } from './cloud-settings.ts';
import { makeCloud, type Cloud } from './cloud.ts';

export type SimulatedCloud = AsyncDisposable & {
  readonly url: string;
  readonly cloud: Cloud;
  /** The next call of that sort goes wrong like this, whatever the shares are. */
  failNext(call: CloudCall['sort'], fault: CallFault): void;
};

/** What goes wrong with one call. */
type CallFault = 'throttle' | 'errorBefore' | 'errorAfter' | 'breakBefore' | 'breakAfter';
const callFaults: readonly CallFault[] = [
  'throttle',
  'breakBefore',
  'errorBefore',
  'errorAfter',
  'breakAfter',
];

const maxBodyBytes = 1024 * 1024;

/**
 * Serves a cloud on loopback: what it holds outlives every broker and is shared by them. Beside its API, `/control` tells what is there
 * in truth and takes other faults.
 */
export async function startSimulatedCloud(
  wanted: z.input<typeof cloudSettingsSchema> = {},
  {
    port = 0,
    now = Date.now,
    random = Math.random,
  }: { port?: number; now?: () => number; random?: () => number } = {},
): Promise<SimulatedCloud> {
  const settings = cloudSettingsSchema.parse(wanted);
  const cloud = makeCloud(settings, { now, random });
  const scripted: { call: CloudCall['sort']; fault: CallFault }[] = [];

  const faultOf = ({ sort, isChange }: CloudCall): CallFault | undefined => {
    const index = scripted.findIndex(({ call }) => call === sort);
    if (index >= 0) return scripted.splice(index, 1)[0]?.fault;
    return callFaults.find(
      (fault) => (isChange || fault === 'throttle') && random() < settings.faults[fault],
    );
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    admit(request, settings);
    const body = await readBody(request);
    if (request.url?.startsWith('/control/')) {
      send(response, 200, control(request, body, cloud));
      return;
    }
    await delay(settings.callMs);
    const call = answerTo(cloud, { method: request.method ?? '', url: request.url ?? '', body, random });
    const fault = faultOf(call);
    failBefore(fault);
    const answer = await call.perform();
    if (fault === 'errorAfter') throw new CloudError('internal', 'It broke after all was done');
    if (fault === 'breakAfter') throw new BrokenConnection();
    send(response, call.isChange ? 202 : 200, answer);
  };
  const fail = (error: unknown, request: IncomingMessage, response: ServerResponse): void => {
    if (error instanceof BrokenConnection) {
      request.socket.destroy();
      return;
    }
    const { code, status, message } =
      error instanceof CloudError ? error : new CloudError('internal', 'The simulated cloud itself failed');
    if (code === 'throttled') response.setHeader('retry-after', String(settings.faults.retryAfterSeconds));
    send(response, status, { error: { code, message } });
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => fail(error, request, response));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`,
    cloud,
    failNext: (call, fault) => scripted.push({ call, fault }),
    async [Symbol.asyncDispose]() {
      cloud[Symbol.dispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The caller gets no answer at all. */
class BrokenConnection extends Error {}

function failBefore(fault: CallFault | undefined): void {
  if (fault === 'throttle') throw new CloudError('throttled', 'Too many calls');
  if (fault === 'errorBefore') throw new CloudError('internal', 'It broke before anything was done');
  if (fault === 'breakBefore') throw new BrokenConnection();
}

function admit({ headers }: IncomingMessage, { token }: CloudSettings): void {
  if (token === null) return;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`)))
    throw new CloudError('unauthorized', 'The token is not the one of this cloud');
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBodyBytes) throw new CloudError('invalid', 'The body is too large');
    parts.push(part);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new CloudError('invalid', 'The body is not JSON');
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** For those who watch an experiment, not for a driver. */
function control({ method, url }: IncomingMessage, body: unknown, cloud: Cloud): unknown {
  const [, , what = '', ref = ''] = (url ?? '').split('/');
  switch (`${method ?? ''} ${what}`) {
    case 'GET truth':
      return cloud.truth();
    case 'PATCH faults':
      Object.assign(cloud.settings.faults, cloudFaultsSchema.partial().parse(body));
      return cloud.settings.faults;
    case 'POST break': {
      cloud.breakMachine(ref, z.object({ how: z.enum(['error', 'gone']) }).parse(body).how);
      return {};
    }
    case 'GET machine': {
      const thing = cloud.machine(ref);
      if (!thing) throw new CloudError('not-found', `There was no machine ${ref}`);
      return thing;
    }
    default:
      throw new CloudError('not-found', 'There is no such control');
  }
}
