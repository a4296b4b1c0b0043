import XMLBuilder from 'fast-xml-builder';
import { z } from 'zod';
import {
  isProviderFault,
  openEndpoint,
  ProviderError,
  type OwnerTag,
  type ProviderFault,
} from '../../port/index.ts';
import { readXml } from '../xml/document.ts';
import { callXmlRpc } from '../xml/xml-rpc-client.ts';
import type { XmlRpcValue } from '../xml/xml-rpc.ts';

export type OneSession = { readonly username: string; readonly password: string };

export type OneClient = AsyncDisposable & {
  /** Asks for something: answers the second value of OpenNebula's triple, throws what it tells as a fault. */
  ask(method: string, parameters: readonly XmlRpcValue[], signal: AbortSignal): Promise<unknown>;
  /** Changes something. */
  change(method: string, parameters: readonly XmlRpcValue[], signal: AbortSignal): Promise<unknown>;
};

const tripleSchema = z.tuple([z.boolean(), z.unknown()]).rest(z.unknown());

/** XML-RPC of OpenNebula 5 and 6: the session is the first parameter, every answer `[ok, value or reason, code, …]`. */
export function openOneClient(
  { endpoint: url, ca }: { readonly endpoint: string; readonly ca?: string | undefined },
  { username, password }: OneSession,
): OneClient {
  const endpoint = openEndpoint({ origins: [new URL(url).origin], ...(ca === undefined ? {} : { ca }) });
  const session = `${username}:${password}`;
  const call = async (
    method: string,
    parameters: readonly XmlRpcValue[],
    { signal, isChange }: { signal: AbortSignal; isChange: boolean },
  ): Promise<unknown> => {
    const options = { method, signal, isChange, parameters: [session, ...parameters] };
    const answer = await callXmlRpc(endpoint, url, options);
    if (answer.kind === 'fault') throw new ProviderError('invalid', `${method}: ${answer.text}`);
    const [isDone, value, code] = tripleSchema.parse(answer.value);
    if (isDone) return value;
    const reason = String(value);
    throw new ProviderError(faultOf(Number(code ?? 0), reason), reason);
  };
  return {
    ask: async (method, parameters, signal) => call(method, parameters, { signal, isChange: false }),
    change: async (method, parameters, signal) => call(method, parameters, { signal, isChange: true }),
    [Symbol.asyncDispose]: async () => endpoint[Symbol.asyncDispose](),
  };
}

/** Error codes of the XML-RPC API (system interfaces, "XML-RPC API"); quotas and taken names are told in words. */
function faultOf(code: number, reason: string): ProviderFault {
  if (/quota|limit of/i.test(reason)) return 'quota';
  if (/already taken/i.test(reason)) return 'conflict';
  if (code === 0x0100 || code === 0x0200) return 'auth';
  if (code === 0x0400) return 'not-found';
  if (code === 0x0800 || code === 0x8000) return 'conflict';
  if (code === 0x2000) return 'transient';
  return 'invalid';
}

const templates = new XMLBuilder({ suppressEmptyNode: false });

/** A template in its XML form, so that no value can break out of its place. */
export function toTemplate(attributes: Readonly<Record<string, unknown>>): string {
  return templates.build({ TEMPLATE: attributes });
}

export function toTagAttributes({ owner, resource, incarnation }: OwnerTag): Record<string, string> {
  return { MEDUSA_OWNER: owner, MEDUSA_RESOURCE: resource, MEDUSA_INCARNATION: String(incarnation) };
}

const tagSchema = z.object({
  MEDUSA_OWNER: z.string().min(1),
  MEDUSA_RESOURCE: z.string().min(1),
  MEDUSA_INCARNATION: z.coerce.number().int().positive(),
});

export function readTag(attributes: unknown): OwnerTag | undefined {
  const { data } = tagSchema.safeParse(attributes);
  if (!data) return undefined;
  const { MEDUSA_OWNER: owner, MEDUSA_RESOURCE: resource, MEDUSA_INCARNATION: incarnation } = data;
  return { owner, resource, incarnation };
}

/** Elements that occur any number of times. */
const lists = ['NIC', 'DISK', 'AR', 'RULE', 'VM', 'IMAGE', 'VNET', 'SECURITY_GROUP', 'VMTEMPLATE', 'CLUSTER'];

/** The elements `name` of a pool's body, each parsed. An empty pool is an empty element. */
export function readPool<Output>(body: unknown, name: string, schema: z.ZodType<Output>): Output[] {
  const document = z.record(z.string(), z.unknown()).parse(readXml(String(body), lists));
  const [pool] = Object.entries(document).flatMap(([key, value]) => (key.startsWith('?') ? [] : [value]));
  const inner = z.union([z.literal(''), z.looseObject({})]).parse(pool);
  const items = inner === '' ? [] : inner[name];
  return z.array(schema).parse(items ?? []);
}

/** The one element of a body. */
export function readOne<Output>(body: unknown, name: string, schema: z.ZodType<Output>): Output {
  const document = z.record(z.string(), z.unknown()).parse(
    readXml(
      String(body),
      lists.filter((list) => list !== name),
    ),
  );
  return schema.parse(document[name]);
}

/** Attributes of a thing: an empty element when there are none. */
export const attributesSchema = z.preprocess(
  (value) => (value === '' || value === undefined ? {} : value),
  z.record(z.string(), z.unknown()),
);

/** Seconds since the epoch. */
export const epochSchema = z.coerce
  .number()
  .transform((seconds) => (seconds > 0 ? new Date(seconds * 1_000) : null));

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** `undefined` when the thing does not exist. */
export async function unlessUnknown<Value>(asking: Promise<Value>): Promise<Value | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof ProviderError && error.fault === 'not-found') return undefined;
    throw error;
  }
}

/** The name is taken: by the same thing, when an earlier call had made it. */
export async function createOnce<Thing extends { readonly name: string }>(
  create: () => Promise<Thing>,
  name: string,
  list: () => Promise<readonly Thing[]>,
): Promise<Thing> {
  try {
    return await create();
  } catch (error) {
    const held = isProviderFault(error, 'conflict')
      ? (await list()).find((thing) => thing.name === name)
      : undefined;
    if (held) return held;
    throw error;
  }
}

export function toId(ref: string): number {
  if (!/^[0-9]{1,9}$/.test(ref)) throw new ProviderError('invalid', `${ref} is not an id of OpenNebula`);
  return Number(ref);
}
