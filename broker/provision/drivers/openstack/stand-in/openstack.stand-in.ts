import type { ResourceKind } from '@medusa/protocol';
import { serveStandIn, type StandInAnswer, type StandInRequest } from '../../../../support/http-stand-in.ts';
import { ironicRoutes } from './ironic.stand-in.ts';
import { neutronRoutes } from './neutron.stand-in.ts';
import { novaRoutes } from './nova.stand-in.ts';
import { cinderRoutes, glanceRoutes } from './storage.stand-in.ts';
import { ok, World, type Json, type Recorded, type Route, type Thing } from './world.stand-in.ts';

type Options = {
  /** Answers as a cloud that knows no newer microversions, e.g. `{ compute: '2.30' }`. */
  readonly newest?: Readonly<Record<string, string>>;
};

const day = 86_400_000;
export const password = 'stand-in-secret';

/** A cloud that plays the recorded answers of a real one, each service below `/<service>` of one origin. */
export class OpenstackStandIn implements AsyncDisposable {
  readonly world = new World();
  readonly origin: string;
  /** What was asked, e.g. `compute POST /servers`. */
  readonly calls: { readonly call: string; readonly body: Json; readonly version: string | undefined }[] = [];
  /** Tokens that are good. */
  readonly tokens = new Set<string>();
  isImageSpoilt = false;
  /** How long the tokens it gives last. */
  tokenMs = day;
  /** Says so instead of what it would, once, to a call that begins thus. */
  readonly refusals = new Map<string, StandInAnswer>();
  #tokenCount = 0;
  readonly #server: AsyncDisposable;
  readonly #routes: Readonly<Record<string, readonly Route[]>>;
  readonly #newest: Readonly<Record<string, string>>;

  private constructor(server: AsyncDisposable & { readonly origin: string }, options: Options) {
    this.#server = server;
    this.origin = server.origin;
    this.#newest = options.newest ?? {};
    this.#routes = {
      compute: novaRoutes(this.world),
      network: neutronRoutes(this.world),
      volume: cinderRoutes(this.world),
      image: glanceRoutes(this.world, () => this.isImageSpoilt),
      baremetal: ironicRoutes(this.world),
      placement: [
        ['GET /resource_providers', () => ok({ resource_providers: [] })],
        [
          'GET /allocation_candidates',
          () => ok({ allocation_requests: this.world.freeGpus > 0 ? [{ allocations: {} }] : [] }),
        ],
      ],
    };
  }

  static async start(options: Options = {}): Promise<OpenstackStandIn> {
    const started: OpenstackStandIn[] = [];
    const server = await serveStandIn((request) => started[0]?.answer(request) ?? { status: 503 });
    const standIn = new OpenstackStandIn(server, options);
    started.push(standIn);
    return standIn;
  }

  get authUrl(): string {
    return `${this.origin}/identity/v3`;
  }

  count(kind: ResourceKind): number {
    const { things } = this.world;
    const maps: Record<ResourceKind, ReadonlyMap<string, Thing>> = {
      machine: things.servers,
      volume: things.volumes,
      snapshot: things.snapshots,
      network: things.networks,
      address: things.floatingips,
      'security-group': things.security_groups,
      image: things.images,
    };
    return maps[kind].size + (kind === 'machine' ? things.allocations.size : 0);
  }

  answer({ method, url, headers, body: text }: StandInRequest): StandInAnswer {
    const [, service = '', path = ''] = /^\/([a-z]+)(.*)$/.exec(url.pathname) ?? [];
    const body = bodyOf(headers['content-type'], text);
    const call = `${service} ${method} ${path.replace(/^\/v[\d.]+/, '')}`;
    this.calls.push({ call, body, version: versionIn(headers) });
    const refusal = this.#takeRefusal(call);
    if (refusal) return refusal;
    if (service === 'identity') return this.#issue(body);
    if (!this.tokens.has(String(headers['x-auth-token']))) return this.#refused();
    if (/^\/(v\d[^/]*\/)?$/.test(path)) return said(this.#versions(service, path));
    const found = find(this.#routes[service] ?? [], call.replace(`${service} `, ''));
    if (!found) throw new Error(`no answer to ${call}`);
    return said(found.play(found.ids, { query: url.searchParams, body, text }));
  }

  #takeRefusal(call: string): StandInAnswer | undefined {
    const [begin, answer] = [...this.refusals].find(([beginning]) => call.startsWith(beginning)) ?? [];
    if (begin !== undefined) this.refusals.delete(begin);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #issue(body: Json): StandInAnswer {
    if (!JSON.stringify(body).includes(password)) return this.#refused();
    const { body: issued } = this.world.say('identity', 'POST /v3/auth/tokens 201');
    const token = {
      ...(issued['token'] as Json),
      expires_at: new Date(Date.now() + this.tokenMs).toISOString(),
    };
    this.#tokenCount += 1;
    const value = `token-${this.#tokenCount}`;
    this.tokens.add(value);
    const answer = said({ status: 201, body: { token } });
    const text = answer.body?.replaceAll('http://cloud.test', this.origin) ?? '';
    return { ...answer, headers: { ...answer.headers, 'x-subject-token': value }, body: text };
  }

  #refused(): StandInAnswer {
    return said(this.world.say('identity', 'POST /v3/auth/tokens 401'));
  }

  #versions(service: string, path: string): Recorded {
    const recorded = this.world.say(service as 'compute', `GET ${path} 200`);
    const newest = this.#newest[service];
    if (newest === undefined) return recorded;
    const text = JSON.stringify(recorded.body).replaceAll(
      /"(version|max_version)":"\d+\.\d+"/g,
      `"$1":"${newest}"`,
    );
    return { ...recorded, body: JSON.parse(text) as Json };
  }
}

function versionIn(headers: StandInRequest['headers']): string | undefined {
  const version = headers['openstack-api-version'] ?? headers['x-openstack-ironic-api-version'];
  return version === undefined ? undefined : String(version);
}

function bodyOf(type: string | undefined, text: string): Json {
  return type === 'application/json' && text !== '' ? (JSON.parse(text) as Json) : {};
}

function said({ status, body }: Recorded): StandInAnswer {
  const text = status === 204 || Object.keys(body).length === 0 ? '' : JSON.stringify(body);
  return { status, headers: { 'content-type': 'application/json' }, body: text };
}

/** The route with the fewest `*` that fits. */
function find(
  routes: readonly Route[],
  call: string,
): { play: Route[1]; ids: readonly string[] } | undefined {
  const fits = routes.flatMap(([pattern, play]) => {
    const match = new RegExp(`^${pattern.replaceAll('*', '([^/]+)')}$`).exec(call);
    return match ? [{ play, ids: match.slice(1).map(decodeURIComponent) }] : [];
  });
  return fits.toSorted((a, b) => a.ids.length - b.ids.length)[0];
}
