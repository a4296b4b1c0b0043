import type { Readable } from 'node:stream';
import { z } from 'zod';
import {
  isProviderFault,
  openEndpoint,
  ProviderError,
  type Endpoint,
  type EndpointAnswer,
} from '../../port/index.ts';
import { failureOf, readAnswer } from './faults.ts';
import { openIdentity, type Token } from './identity.ts';
import { chooseMicroversion, minorOf, versionDocumentSchema } from './microversion.ts';
import type { OpenstackCredentials, OpenstackSettings } from './settings.ts';

/** The services used, under the names they have in catalogues, and the newest microversion that is known here. */
const services = {
  compute: { types: ['compute'], version: /\/v2(\.\d+)?(\/.*)?$/, document: '/v2.1/', known: '2.90' },
  image: { types: ['image'], version: /\/v2\/?$/, document: null, known: null },
  network: { types: ['network'], version: /\/v2\.0\/?$/, document: null, known: null },
  volume: {
    types: ['volumev3', 'block-storage', 'block-store'],
    version: /\/v3(\/.*)?$/,
    document: '/v3/',
    known: '3.70',
  },
  placement: { types: ['placement'], version: /\/$/, document: '/', known: '1.39' },
  baremetal: { types: ['baremetal', 'bare-metal'], version: /\/v1\/?$/, document: '/', known: '1.80' },
} as const;
type ServiceName = keyof typeof services;

/** How the version is asked for: the header of the API working group, and Ironic's older one. */
const versionHeaders: Partial<Record<ServiceName, (version: string) => Record<string, string>>> = {
  compute: (version) => ({ 'openstack-api-version': `compute ${version}` }),
  volume: (version) => ({ 'openstack-api-version': `volume ${version}` }),
  placement: (version) => ({ 'openstack-api-version': `placement ${version}` }),
  baremetal: (version) => ({ 'x-openstack-ironic-api-version': version }),
};

type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the service's version, e.g. `/servers`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: unknown;
  /** Sent as it is; a function, as it is sent again after the token was renewed. */
  readonly stream?: () => Readable;
  readonly signal: AbortSignal;
};

export type Service = {
  /** Throws a `ProviderError` unless the answer is a success that can be read. */
  ask<T>(call: Call, schema: z.ZodType<T>): Promise<T>;
  /** The same where nothing of the answer is needed. */
  tell(call: Call): Promise<void>;
  /** DELETE; what is absent is removed. */
  remove(path: string, signal: AbortSignal): Promise<void>;
  /** Follows the pages; each thing once. */
  list<T extends { readonly id: string }>(
    call: {
      readonly path: string;
      readonly key: string;
      readonly query?: Call['query'];
      readonly signal: AbortSignal;
    },
    schema: z.ZodType<T>,
  ): Promise<readonly T[]>;
  /** As `ask` with GET, but undefined when it is not there. */
  find<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T | undefined>;
  /** Whether the negotiated microversion has what came with that minor. */
  atLeast(minor: number, signal: AbortSignal): Promise<boolean>;
  version(signal: AbortSignal): Promise<string | null>;
};

export type Cloud = AsyncDisposable & {
  /** Whether the catalogue has it and it lies at a configured origin. */
  offers(name: ServiceName, signal: AbortSignal): Promise<boolean>;
  service(name: ServiceName): Service;
  projectId(signal: AbortSignal): Promise<string>;
};

/** An image of some GiB takes its time. */
const uploadMs = 4 * 3_600_000;
const pageSize = '500';

/** A session with one cloud: token, catalogue, versions. Nothing is asked before it is used. */
export function openCloud(
  settings: OpenstackSettings,
  credentials: OpenstackCredentials,
  now: () => Date,
): Cloud {
  const origins = [settings.authUrl, ...settings.origins].map((url) => new URL(url).origin);
  const trusted = { origins, ...(settings.ca === undefined ? {} : { ca: settings.ca }) };
  const endpoint = openEndpoint(trusted);
  const uploads = openEndpoint({ ...trusted, timeoutMs: uploadMs });
  const identity = openIdentity({ settings, credentials, endpoint }, now);
  const versions = new Map<ServiceName, string | null>();

  const send = async (
    ask: Omit<Parameters<Endpoint['ask']>[0], 'body'>,
    call: Call,
  ): Promise<EndpointAnswer> => {
    for (let isSecond = false; ; isSecond = true) {
      const token = await identity.token(call.signal);
      const body = call.stream?.() ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
      const answer = await (call.stream ? uploads : endpoint).ask({
        ...ask,
        headers: { ...ask.headers, 'x-auth-token': token.value },
        ...(body === undefined ? {} : { body }),
      });
      if (answer.status !== 401) return answer;
      identity.refuse(token);
      // A new token that is refused as well is no matter of time.
      if (isSecond) return answer;
    }
  };

  const rootOf = async (name: ServiceName, signal: AbortSignal): Promise<string> => {
    const found = endpointIn(await identity.token(signal), name, settings);
    if (found === undefined)
      throw new ProviderError('invalid', `The cloud's catalogue has no ${name} service`);
    if (!origins.includes(new URL(found).origin)) throw refused(name, found);
    return found.replace(services[name].version, '').replace(/\/$/, '');
  };

  const versionOf = async (name: ServiceName, signal: AbortSignal): Promise<string | null> => {
    const { document: path, known } = services[name];
    if (path === null) return null;
    const negotiated = versions.get(name);
    if (negotiated !== undefined) return negotiated;
    const url = `${await rootOf(name, signal)}${path}`;
    // Most tell it to anybody, Cinder only to its users.
    const call = { method: 'GET', path, signal } as const;
    const answer = await send({ ...call, url, headers: { accept: 'application/json' } }, call);
    // A list of several versions comes with 300 (Multiple Choices).
    if (answer.status >= 400) throw failureOf(`The version of ${name}`, answer, false);
    const document = readAnswer(name, { text: answer.text, schema: versionDocumentSchema, isChange: false });
    const chosen = chooseMicroversion(name, document, known);
    versions.set(name, chosen);
    return chosen;
  };

  const prefixOf = async (name: ServiceName, signal: AbortSignal): Promise<string> => {
    const root = await rootOf(name, signal);
    const paths: Record<ServiceName, string> = {
      compute: '/v2.1',
      image: '/v2',
      network: '/v2.0',
      volume: `/v3/${(await identity.token(signal)).projectId}`,
      placement: '',
      baremetal: '/v1',
    };
    return root + paths[name];
  };

  const service = (name: ServiceName): Service => {
    const textOf = async (call: Call): Promise<string> => {
      const version = await versionOf(name, call.signal);
      const query = new URLSearchParams(
        Object.entries(call.query ?? {}).flatMap(([key, value = []]) =>
          [value].flat().map((one): [string, string] => [key, one]),
        ),
      ).toString();
      const url = `${await prefixOf(name, call.signal)}${call.path}${query && `?${query}`}`;
      const headers = {
        accept: 'application/json',
        'content-type': call.stream ? 'application/octet-stream' : 'application/json',
        ...(version === null ? {} : versionHeaders[name]?.(version)),
      };
      const answer = await send({ method: call.method, url, headers, signal: call.signal }, call);
      if (answer.status === 406) versions.delete(name);
      if (answer.status >= 300) throw failureOf(`${name} ${call.method}`, answer, call.method !== 'GET');
      return answer.text;
    };
    const ask: Service['ask'] = async (call, schema) =>
      readAnswer(`${name} ${call.method}`, {
        text: await textOf(call),
        schema,
        isChange: call.method !== 'GET',
      });
    return {
      ask,
      async tell(call) {
        await textOf(call);
      },
      async remove(path, signal) {
        try {
          await textOf({ method: 'DELETE', path, signal });
        } catch (error) {
          if (!isProviderFault(error, 'not-found')) throw error;
        }
      },
      async list({ path, key, query, signal }, schema) {
        const found = new Map<string, z.infer<typeof schema>>();
        const pageSchema = pageOf(key, schema);
        for (let marker: string | undefined; ;) {
          const call = { method: 'GET', path, query: { ...query, limit: pageSize, marker }, signal } as const;
          const { things, hasNext } = await ask(call, pageSchema);
          for (const thing of things) found.set(thing.id, thing);
          marker = things.at(-1)?.id;
          if (marker === undefined || !hasNext) return [...found.values()];
        }
      },
      async find(path, schema, signal) {
        try {
          return await ask({ method: 'GET', path, signal }, schema);
        } catch (error) {
          if (isProviderFault(error, 'not-found')) return undefined;
          throw error;
        }
      },
      atLeast: async (minor, signal) => {
        const version = await versionOf(name, signal);
        return version !== null && minorOf(version) >= minor;
      },
      version: async (signal) => versionOf(name, signal),
    };
  };

  return {
    service,
    async offers(name, signal) {
      const found = endpointIn(await identity.token(signal), name, settings);
      return found !== undefined && origins.includes(new URL(found).origin);
    },
    projectId: async (signal) => (await identity.token(signal)).projectId,
    async [Symbol.asyncDispose]() {
      await Promise.all([endpoint[Symbol.asyncDispose](), uploads[Symbol.asyncDispose]()]);
    },
  };
}

function refused(name: ServiceName, url: string): ProviderError {
  return new ProviderError(
    'invalid',
    `The cloud's catalogue says that ${name} lies at ${new URL(url).origin}, which is not among the configured origins`,
  );
}

function endpointIn(token: Token, name: ServiceName, settings: OpenstackSettings): string | undefined {
  const types: readonly string[] = services[name].types;
  const offered = token.catalog
    .filter(({ type }) => types.includes(type))
    .flatMap(({ endpoints }) => endpoints)
    .filter((candidate) => candidate.interface === settings.interface);
  const here = offered.find(
    ({ region, region_id }) => settings.region === null || (region_id ?? region) === settings.region,
  );
  return here?.url;
}

/** Links are looked for, not followed: the next page is asked for by its marker. Nova, Neutron, Cinder: `<key>_links`; Glance, Ironic: `next`. */
function pageOf<T>(
  key: string,
  schema: z.ZodType<T>,
): z.ZodType<{ readonly things: readonly T[]; readonly hasNext: boolean }> {
  const linksKey = `${key}_links`;
  const links = z.array(z.object({ rel: z.string() }));
  return z
    .looseObject({ [key]: z.array(schema), next: z.string().nullish(), [linksKey]: links.optional() })
    .transform((body) => ({
      things: body[key] as unknown as readonly T[],
      hasNext:
        typeof body['next'] === 'string' ||
        (body[linksKey] as z.infer<typeof links> | undefined)?.some(({ rel }) => rel === 'next') === true,
    }));
}
