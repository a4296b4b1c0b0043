import { QueryError, type Values } from './query-model.stand-in.ts';

type Tag = { Key: string; Value: string };

/** Anything with an id, tags and a state that changes by itself. */
export type Thing = {
  readonly id: string;
  readonly kind: string;
  readonly madeAt: number;
  tags: Tag[];
  state: string;
  /** The state it comes to next, and when. */
  next: { state: string; at: number } | null;
  values: Values;
};

const prefixes = {
  instance: 'i',
  volume: 'vol',
  snapshot: 'snap',
  'elastic-ip': 'eipalloc',
  subnet: 'subnet',
  'security-group': 'sg',
} as const;
export type Kind = keyof typeof prefixes;

const notFound = {
  instance: ['InvalidInstanceID.NotFound', 'The instance ID'],
  volume: ['InvalidVolume.NotFound', 'The volume'],
  snapshot: ['InvalidSnapshot.NotFound', 'The snapshot'],
  'elastic-ip': ['InvalidAllocationID.NotFound', 'The allocation ID'],
  subnet: ['InvalidSubnetID.NotFound', 'The subnet ID'],
  'security-group': ['InvalidGroup.NotFound', 'The security group'],
} as const satisfies Record<Kind, readonly [string, string]>;

/** How long anything takes to get from one state to the next, and how long what was made is not to be seen. */
export type Delays = { readonly stepMs: number; readonly hiddenMs: number };

/** What an account has. It behaves as the API Reference says: eventually consistent, and each call answers before it is done. */
export class Ec2World {
  readonly things = new Map<string, Thing>();
  readonly tokens = new Map<string, { input: string; id: string }>();
  readonly keys = new Map<string, { id: string; publicKey: string }>();
  readonly delays: Delays;
  #number = 0;

  constructor(delays: Delays) {
    this.delays = delays;
  }

  number(): number {
    this.#number += 1;
    return this.#number;
  }

  newId(prefix: string): string {
    return `${prefix}-${this.number().toString(16).padStart(17, '0')}`;
  }

  make(kind: Kind, input: Values, life: { state: string; next?: string; values: Values }): Thing {
    const now = Date.now();
    const thing: Thing = {
      id: this.newId(prefixes[kind]),
      kind,
      madeAt: now,
      tags: tagsIn(input, kind),
      state: life.state,
      next: life.next === undefined ? null : { state: life.next, at: now + this.delays.stepMs },
      values: life.values,
    };
    this.things.set(thing.id, thing);
    return thing;
  }

  /** The same token and the same request answer the same thing. */
  makeOnce(input: Values, make: () => Thing): Thing {
    const { ClientToken: token } = input;
    if (typeof token !== 'string') return make();
    // eslint-disable-next-line no-control-regex -- ASCII is what the API Reference demands.
    if (token.length > 64 || !/^[\x00-\x7f]*$/.test(token))
      throw new QueryError('InvalidParameterValue', 'ClientToken is at most 64 ASCII characters');
    const asked = JSON.stringify(input);
    const known = this.tokens.get(token);
    if (known && known.input !== asked)
      throw new QueryError('IdempotentParameterMismatch', 'The client token was used with other parameters.');
    if (known) return this.get(known.id);
    const thing = make();
    this.tokens.set(token, { input: asked, id: thing.id });
    return thing;
  }

  /** In truth, visible or not. */
  get(id: string): Thing {
    const thing = this.things.get(id);
    if (!thing) throw new Error(`No ${id}`);
    settle(thing);
    return thing;
  }

  all(kind: Kind): Thing[] {
    const things = [...this.things.values()].filter((thing) => thing.kind === kind);
    for (const thing of things) settle(thing);
    return things.filter(({ state }) => state !== 'gone');
  }

  visible(kind: Kind): Thing[] {
    return this.all(kind).filter(({ madeAt }) => Date.now() - madeAt >= this.delays.hiddenMs);
  }

  find(kind: Kind, id: unknown): Thing {
    const thing = this.visible(kind).find((one) => one.id === id);
    if (thing) return thing;
    const [code, words] = notFound[kind];
    throw new QueryError(code, `${words} '${String(id)}' does not exist`);
  }

  /** By ids, else by filters, a page of them. */
  describe(
    kind: Kind,
    input: Values,
    query: { ids?: unknown; fields?: Record<string, (thing: Thing) => unknown> },
  ): { things: Thing[]; NextToken?: string } {
    if (Array.isArray(query.ids)) return { things: query.ids.map((id) => this.find(kind, id)) };
    const filters = (input['Filters'] ?? []) as { Name: string; Values: string[] }[];
    const matching = this.visible(kind).filter((thing) =>
      filters.every(({ Name, Values: wanted }) => wanted.includes(fieldOf(thing, Name, query.fields ?? {}))),
    );
    return page(matching, input);
  }

  step(thing: Thing, state: string, next: string): void {
    thing.state = state;
    thing.next = { state: next, at: Date.now() + this.delays.stepMs };
  }
}

function settle(thing: Thing): void {
  if (thing.next && Date.now() >= thing.next.at) {
    thing.state = thing.next.state;
    thing.next = null;
  }
}

function fieldOf(thing: Thing, name: string, fields: Record<string, (thing: Thing) => unknown>): string {
  if (name.startsWith('tag:')) return thing.tags.find(({ Key }) => Key === name.slice(4))?.Value ?? '';
  const read = fields[name];
  if (!read) throw new QueryError('InvalidParameterValue', `The filter '${name}' is invalid`);
  return String(read(thing));
}

/** Pages of two, whatever is asked for at most: and each page but the first repeats the last thing of the one before. */
function page(things: Thing[], { NextToken }: Values): { things: Thing[]; NextToken?: string } {
  const from = typeof NextToken === 'string' ? Number(NextToken) : 0;
  const shown = things.slice(Math.max(0, from - 1), from + 2);
  return { things: shown, ...(from + 2 < things.length && { NextToken: String(from + 2) }) };
}

function tagsIn(input: Values, kind: string): Tag[] {
  const specifications = (input['TagSpecifications'] ?? []) as { ResourceType: string; Tags: Tag[] }[];
  return specifications.filter(({ ResourceType }) => ResourceType === kind).flatMap(({ Tags }) => Tags);
}
