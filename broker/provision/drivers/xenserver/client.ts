import { z } from 'zod';
import {
  isProviderFault,
  openEndpoint,
  ProviderError,
  type OwnerTag,
  type ProviderFault,
} from '../../port/index.ts';
import { callXmlRpc } from '../xml/xml-rpc-client.ts';
import type { XmlRpcValue } from '../xml/xml-rpc.ts';

export type Xapi = AsyncDisposable & {
  ask(method: string, parameters: readonly XmlRpcValue[], signal: AbortSignal): Promise<unknown>;
  change(method: string, parameters: readonly XmlRpcValue[], signal: AbortSignal): Promise<unknown>;
};

const replySchema = z.discriminatedUnion('Status', [
  z.object({ Status: z.literal('Success'), Value: z.unknown() }),
  z.object({ Status: z.literal('Failure'), ErrorDescription: z.array(z.string()).min(1) }),
]);

/** The Xen management API by XML-RPC: a session reference is the first parameter of every call but the login. */
export function openXapi(
  { endpoint: base, ca }: { readonly endpoint: string; readonly ca?: string | undefined },
  { username, password }: { readonly username: string; readonly password: string },
): Xapi {
  const { origin } = new URL(base);
  const endpoint = openEndpoint({ origins: [origin], ...(ca === undefined ? {} : { ca }) });
  let login: Promise<string> | undefined;

  const send = async (
    method: string,
    parameters: readonly XmlRpcValue[],
    { signal, isChange }: { signal: AbortSignal; isChange: boolean },
  ): Promise<unknown> => {
    const answer = await callXmlRpc(endpoint, `${origin}/`, { method, parameters, signal, isChange });
    if (answer.kind === 'fault') throw new ProviderError('invalid', `${method}: ${answer.text}`);
    const reply = replySchema.parse(answer.value);
    if (reply.Status === 'Success') return reply.Value;
    const [code = '', ...details] = reply.ErrorDescription;
    // The first detail of a refused login is the user's name, of others objects and reasons.
    throw new ProviderError(faultOf(code), [code, ...details].join(' '), { cause: { code } });
  };
  const logIn = async (signal: AbortSignal): Promise<string> => {
    login ??= send('session.login_with_password', [username, password, '1.0', 'medusa'], {
      signal,
      isChange: false,
    }).then(String);
    try {
      return await login;
    } catch (error) {
      login = undefined;
      throw error;
    }
  };
  const call = async (
    method: string,
    parameters: readonly XmlRpcValue[],
    options: { signal: AbortSignal; isChange: boolean },
  ): Promise<unknown> => {
    try {
      return await send(method, [await logIn(options.signal), ...parameters], options);
    } catch (error) {
      if (!isProviderFault(error) || !error.message.startsWith('SESSION_INVALID')) throw error;
      // Sessions end after a day without use, and with the pool's master: nothing was done yet.
      login = undefined;
      return send(method, [await logIn(options.signal), ...parameters], options);
    }
  };
  return {
    ask: async (method, parameters, signal) => call(method, parameters, { signal, isChange: false }),
    change: async (method, parameters, signal) => call(method, parameters, { signal, isChange: true }),
    async [Symbol.asyncDispose]() {
      const session = await login?.catch(() => undefined);
      if (session !== undefined)
        await send('session.logout', [session], { signal: AbortSignal.timeout(5_000), isChange: true }).catch(
          // A host that is gone has forgotten the session too.
          () => undefined,
        );
      await endpoint[Symbol.asyncDispose]();
    },
  };
}

const faults: Readonly<Record<string, ProviderFault>> = {
  SESSION_AUTHENTICATION_FAILED: 'auth',
  SESSION_INVALID: 'auth',
  RBAC_PERMISSION_DENIED: 'auth',
  HANDLE_INVALID: 'not-found',
  UUID_INVALID: 'not-found',
  HOST_NOT_ENOUGH_FREE_MEMORY: 'capacity',
  NO_HOSTS_AVAILABLE: 'capacity',
  SR_FULL: 'capacity',
  VM_BAD_POWER_STATE: 'conflict',
  VDI_IN_USE: 'conflict',
  DEVICE_ALREADY_ATTACHED: 'conflict',
  DEVICE_ALREADY_EXISTS: 'conflict',
  OTHER_OPERATION_IN_PROGRESS: 'conflict',
  OPERATION_NOT_ALLOWED: 'conflict',
  // The master has moved: only an administrator may name another endpoint.
  HOST_IS_SLAVE: 'invalid',
  TOO_BUSY: 'rate-limited',
};

function faultOf(code: string): ProviderFault {
  return faults[code] ?? 'invalid';
}

const mapSchema = z.record(z.string(), z.string());

export function toTagMap({ owner, resource, incarnation }: OwnerTag): Record<string, string> {
  return {
    'medusa-owner': owner,
    'medusa-resource': resource,
    'medusa-incarnation': String(incarnation),
  };
}

export const recordMapSchema = mapSchema;

/** All records of a class, each parsed; those that do not fit the schema are of no interest to us. */
export async function allRecords<Output>(
  xapi: Xapi,
  kind: string,
  { schema, signal }: { schema: z.ZodType<Output>; signal: AbortSignal },
): Promise<(readonly [ref: string, record: Output])[]> {
  const records = z
    .record(z.string(), z.unknown())
    .parse(await xapi.ask(`${kind}.get_all_records`, [], signal));
  return Object.entries(records).map(([ref, record]) => [ref, schema.parse(record)] as const);
}

/** `undefined` when there is no such object. */
export async function findRecord<Output>(
  xapi: Xapi,
  kind: string,
  { ref, schema, signal }: { ref: string; schema: z.ZodType<Output>; signal: AbortSignal },
): Promise<Output | undefined> {
  try {
    return schema.parse(await xapi.ask(`${kind}.get_record`, [ref], signal));
  } catch (error) {
    if (isProviderFault(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Gone already is as good. */
export async function unlessGone(changing: Promise<unknown>): Promise<void> {
  try {
    await changing;
  } catch (error) {
    if (!isProviderFault(error, 'not-found')) throw error;
  }
}

export const nullRef = 'OpaqueRef:NULL';
