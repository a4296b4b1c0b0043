import { readFileSync } from 'node:fs';
import path from 'node:path';

/** One answer that the real cloud gave: see recorded/README.md. */
export type Recorded = { readonly status: number; readonly body: Json };
export type Json = Readonly<Record<string, unknown>>;
export type Thing = Record<string, unknown> & { id: string };
type Question = { readonly query: URLSearchParams; readonly body: Json; readonly text: string };
export type Route = readonly [call: string, play: (ids: readonly string[], question: Question) => Recorded];

export const serviceNames = [
  'identity',
  'compute',
  'network',
  'volume',
  'image',
  'placement',
  'baremetal',
] as const;
type ServiceName = (typeof serviceNames)[number];

const readRecorded = (service: ServiceName): Readonly<Record<string, Recorded>> =>
  JSON.parse(readFileSync(path.join(import.meta.dirname, `../recorded/${service}.json`), 'utf8')) as Readonly<
    Record<string, Recorded>
  >;

/** All that the stand-in holds: the states are played here, the words are the real cloud's. */
export class World {
  readonly recorded = Object.fromEntries(
    serviceNames.map((service) => [service, readRecorded(service)]),
  ) as Readonly<Record<ServiceName, Readonly<Record<string, Recorded>>>>;
  readonly things = {
    servers: new Map<string, Thing>(),
    volumes: new Map<string, Thing>(),
    snapshots: new Map<string, Thing>(),
    networks: new Map<string, Thing>(),
    subnets: new Map<string, Thing>(),
    routers: new Map<string, Thing>(),
    ports: new Map<string, Thing>(),
    floatingips: new Map<string, Thing>(),
    security_groups: new Map<string, Thing>(),
    images: new Map<string, Thing>(),
    keypairs: new Map<string, Thing>(),
    allocations: new Map<string, Thing>(),
    nodes: new Map<string, Thing>(),
  };
  /** The next state of a thing, one a look at it. `undefined` at the end = it is gone. */
  readonly #ahead = new Map<string, (Json | undefined)[]>();
  #count = 0;
  /** The scheduler finds no host for servers from now on. */
  isFull = false;
  freeGpus = 4;

  newId(): string {
    this.#count += 1;
    return `00000000-0000-4000-9000-${String(this.#count).padStart(12, '0')}`;
  }

  get count(): number {
    return this.#count;
  }

  /** As recorded; `call` begins the key, and the shortest key that does is meant. */
  say(service: ServiceName, call: string): Recorded {
    const answers = this.recorded[service];
    const key = Object.keys(answers)
      .filter((candidate) => candidate === call || candidate.startsWith(`${call} `))
      .sort((a, b) => a.length - b.length)[0];
    const found = key === undefined ? undefined : answers[key];
    if (!found) throw new Error(`never recorded: ${service} ${call}`);
    return structuredClone(found);
  }

  /** The thing in a recorded answer: `{ server: { … } }`, or Ironic's and Glance's bare ones. */
  sample(service: ServiceName, call: string): Json {
    const { body } = this.say(service, call);
    const values = Object.values(body);
    const [only] = values;
    return values.length === 1 && typeof only === 'object' && only !== null ? (only as Json) : body;
  }

  plan(id: string, ...states: (Json | undefined)[]): void {
    this.#ahead.set(id, states);
  }

  /** Looking moves it on: what is asked again and again is what the driver waits for. */
  look(map: Map<string, Thing>, id: string): Thing | undefined {
    const thing = map.get(id);
    const states = this.#ahead.get(id);
    if (!thing || !states || states.length === 0) return thing;
    const next = states.shift();
    if (next) Object.assign(thing, next);
    else map.delete(id);
    return next ? thing : undefined;
  }

  lookAll(map: Map<string, Thing>, isWanted: (thing: Thing) => boolean = () => true): Thing[] {
    return [...map.keys()].flatMap((id) => this.look(map, id) ?? []).filter(isWanted);
  }
}

export const ok = (body: Json, status = 200): Recorded => ({ status, body });

/** Neutron's filters: every query that names a property. */
export function matching(query: URLSearchParams): (thing: Thing) => boolean {
  const filters = [...query].filter(([key]) => !['limit', 'marker', 'fields'].includes(key));
  return (thing) => filters.every(([key, value]) => String(thing[key]) === value);
}

/** Two things a page, whatever was asked for: so that every list that matters has several. */
export function page(key: string, things: readonly Thing[], query: URLSearchParams): Recorded {
  const start = things.findIndex(({ id }) => id === query.get('marker')) + 1;
  const shown = things.slice(start, start + 2);
  const hasMore = start + 2 < things.length;
  return ok({
    [key]: shown,
    ...(hasMore && { [`${key}_links`]: [{ rel: 'next', href: 'http://elsewhere.test/' }] }),
  });
}
