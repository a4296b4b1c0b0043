import {
  CoreV1Api,
  createConfiguration,
  CustomObjectsApi,
  KubeConfig,
  NetworkingV1Api,
  ResponseContext,
  ServerConfiguration,
  StorageV1Api,
  VersionApi,
  Watch,
  wrapHttpLibrary,
  type Configuration,
  type RequestContext,
  type V1DeleteOptions,
} from '@kubernetes/client-node';
import type { z } from 'zod';
import {
  isProviderFault,
  openEndpoint,
  ProviderError,
  type Endpoint,
  type EndpointRequest,
} from '../../port/index.ts';
import { faultOf, GoneError } from './faults.ts';
import type { Credentials, Settings } from './settings.ts';

/** The official client's calls, sent through the endpoint: bounded, to this one server only, failing as `ProviderError`. */
export type Cluster = AsyncDisposable & {
  core(signal: AbortSignal): CoreV1Api;
  networking(signal: AbortSignal): NetworkingV1Api;
  storage(signal: AbortSignal): StorageV1Api;
  custom(signal: AbortSignal): CustomObjectsApi;
  version(signal: AbortSignal): VersionApi;
  /** What the server answers to a GET of any path, for what the client has no call for. */
  text(path: string, signal: AbortSignal): Promise<string>;
  /** Resolves when the server ends the watch, rejects when it breaks. */
  watch(path: string, query: Readonly<Record<string, string>>, options: WatchOptions): Promise<void>;
};

type WatchOptions = {
  readonly onEvent: (type: string, object: unknown) => void;
  readonly signal: AbortSignal;
};

/** The client's Watch gives up after 30 s of silence; the server ends a watch before that, with a bookmark of how far it got. */
const watchSeconds = 25;

export function openCluster({ server, ca }: Settings, credentials: Credentials): Cluster {
  const url = server.replace(/\/+$/, '');
  const clientCertificate = 'key' in credentials ? credentials : undefined;
  const endpoint = openEndpoint({
    origins: [url],
    ...(ca === undefined ? {} : { ca }),
    ...(clientCertificate && { clientCertificate }),
  });
  const authorization = 'token' in credentials ? { authorization: `Bearer ${credentials.token}` } : {};
  const configuration = (signal: AbortSignal): Configuration =>
    createConfiguration({
      baseServer: new ServerConfiguration(url, {}),
      httpApi: wrapHttpLibrary({
        send: async (request: RequestContext) => send(endpoint, toRequest(request, authorization, signal)),
      }),
    });
  const watching = kubeConfig(url, ca, credentials);
  return {
    core: (signal) => new CoreV1Api(configuration(signal)),
    networking: (signal) => new NetworkingV1Api(configuration(signal)),
    storage: (signal) => new StorageV1Api(configuration(signal)),
    custom: (signal) => new CustomObjectsApi(configuration(signal)),
    version: (signal) => new VersionApi(configuration(signal)),
    async text(path, signal) {
      const request = { method: 'GET', url: url + path, headers: authorization, signal } as const;
      return (await send(endpoint, request)).body.text();
    },
    async watch(path, query, options) {
      await watchOnce(watching, { path, query }, options);
    },
    [Symbol.asyncDispose]: async () => endpoint[Symbol.asyncDispose](),
  };
}

/** Only what we use is looked at; anything else the server says is dropped. */
export function parsed<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.infer<Schema> {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.join('.') ?? '';
  throw new ProviderError('transient', `The cluster's answer is not understood at ${where}`);
}

/** A model of the client without its class: what is written here is a plain object of that shape. */
export type Plain<Model> = Model extends Date
  ? Model
  : Model extends readonly (infer One)[]
    ? Plain<One>[]
    : Model extends object
      ? { [Key in keyof Model]: Plain<Model[Key]> }
      : Model;

/** The client takes plain objects for its models, whatever its types say: it only reads their fields. */
export const toModel = <Model>(plain: Plain<Model>): Model => plain as Model;

/** Deletes this very object, not whatever has taken its name since. */
export const byUid = (uid: string): V1DeleteOptions => toModel<V1DeleteOptions>({ preconditions: { uid } });

/** All pages of a list. When its continue token is too old, it begins again from the start. */
export async function allPages<Thing>(
  page: (options: { limit: number; _continue?: string }) => Promise<{
    items: Thing[];
    metadata?: { _continue?: string };
  }>,
): Promise<Thing[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const things: Thing[] = [];
      let next: string | undefined;
      do {
        const { items, metadata } = await page({ limit: 500, ...(next ? { _continue: next } : {}) });
        things.push(...items);
        next = metadata?._continue;
      } while (next);
      return things;
    } catch (error) {
      if (!(error instanceof GoneError) || attempt === 3) throw error;
    }
  }
}

/** For what the broker's role may leave out: then there is none, as far as we may know. */
export async function forbiddenIsNone<Thing>(read: () => Promise<Thing[]>): Promise<Thing[]> {
  try {
    return await read();
  } catch (error) {
    if (isProviderFault(error, 'auth') && error.message.startsWith('Forbidden')) return [];
    throw error;
  }
}

function toRequest(
  request: RequestContext,
  authorization: Readonly<Record<string, string>>,
  signal: AbortSignal,
): EndpointRequest {
  const body = request.getBody();
  return {
    method: request.getHttpMethod() as EndpointRequest['method'],
    url: request.getUrl(),
    headers: { ...request.getHeaders(), ...authorization },
    ...(typeof body === 'string' ? { body } : {}),
    signal,
  };
}

async function send(endpoint: Endpoint, request: EndpointRequest): Promise<ResponseContext> {
  const answer = await endpoint.ask(request);
  if (answer.status === 410) throw new GoneError('The cluster does not know that version any more');
  if (answer.status < 200 || answer.status > 299) throw faultOf(answer, request.method !== 'GET');
  return new ResponseContext(
    answer.status,
    { ...answer.headers },
    {
      text: async () => Promise.resolve(answer.text),
      binary: async () => Promise.resolve(Buffer.from(answer.text)),
      stream: () => null,
    },
  );
}

function kubeConfig(server: string, ca: string | undefined, credentials: Credentials): KubeConfig {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const config = new KubeConfig();
  // The client takes http only so; the settings let it be this machine alone, and there is nothing to verify.
  const skipTLSVerify = server.startsWith('http:');
  config.loadFromClusterAndUser(
    { name: 'cluster', server, skipTLSVerify, ...(ca === undefined ? {} : { caData: base64(ca) }) },
    {
      name: 'broker',
      ...('token' in credentials
        ? { token: credentials.token }
        : { certData: base64(credentials.certificate), keyData: base64(credentials.key) }),
    },
  );
  return config;
}

async function watchOnce(
  config: KubeConfig,
  { path, query }: { path: string; query: Readonly<Record<string, string>> },
  { onEvent, signal }: WatchOptions,
): Promise<void> {
  const watch = new Watch(config);
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const controller = await watch.watch(
    path,
    { ...query, allowWatchBookmarks: 'true', timeoutSeconds: String(watchSeconds) },
    onEvent,
    (error: unknown) => (error ? reject(watchFailure(error)) : resolve(undefined)),
  );
  const stop = (): void => controller.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    await promise;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function watchFailure(error: unknown): ProviderError {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 0;
  if (status === 410) return new GoneError('The cluster does not know that version any more');
  if (status > 0) return faultOf({ status, headers: {}, text: '' }, false);
  return new ProviderError('transient', 'The watch of the cluster broke', { cause: error });
}
