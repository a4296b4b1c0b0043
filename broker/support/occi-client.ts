import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import type {
  ActionCall,
  Attributes,
  EntityRendering,
  LinkRendering,
  LocatedEntity,
  Mixin,
} from '../occi/model/index.ts';
import {
  mediaTypeOf,
  parsePayload,
  renderBody,
  type MediaType,
  type OcciPayload,
} from '../occi/rendering/index.ts';

export type OcciAnswer = {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly text: string;
  readonly payload: () => OcciPayload;
};

type Headers = Readonly<Record<string, string | readonly string[]>>;

/** A request as it stands on the wire: headers repeated, answers with headers of any number. */
export async function send(
  url: string,
  method: string,
  { headers = {}, body = '' }: { readonly headers?: Headers; readonly body?: string } = {},
): Promise<OcciAnswer> {
  return new Promise((resolve, reject) => {
    const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const raw = Object.entries<string | readonly string[]>({ ...headers, ...length }).flatMap(
      ([name, value]) => (typeof value === 'string' ? [value] : value).flatMap((one) => [name, one]),
    );
    const ask = url.startsWith('https:') ? secureRequest : request;
    const outgoing = ask(
      url,
      { method, maxHeaderSize: 1_000_000, headers: ['host', new URL(url).host, ...raw] },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const header = (name: string): string | undefined => {
            const value = answer.headers[name];
            return Array.isArray(value) ? value.join(', ') : value;
          };
          const { rawHeaders, statusCode = 0 } = answer;
          const payload = (): OcciPayload => {
            const type = mediaTypeOf(header('content-type') ?? '');
            if (!type) throw new Error(`no OCCI: ${statusCode} ${text}`);
            return parsePayload(type, { body: text, rawHeaders });
          };
          resolve({ status: statusCode, header, text, payload });
        });
      },
    );
    outgoing.on('error', reject);
    // As bytes: Node writes headers in the encoding of a text body.
    outgoing.end(Buffer.from(body));
  });
}

/** Part of an instance, as a client sends it. */
export type Part = {
  readonly kind?: string;
  readonly mixins?: readonly string[];
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  readonly links?: readonly LinkRendering[];
};

export type OcciClient = {
  get(path: string, headers?: Headers): Promise<OcciAnswer>;
  delete(path: string): Promise<OcciAnswer>;
  entity(method: 'PUT' | 'POST', path: string, part: Part): Promise<OcciAnswer>;
  categories(method: 'POST' | 'DELETE', path: string, categories: readonly Mixin[]): Promise<OcciAnswer>;
  /** A filter; JSON has none, so that it stands in headers as GFD.229 advises. */
  filtered(path: string, part: Part): Promise<OcciAnswer>;
  locations(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    locations: readonly string[],
  ): Promise<OcciAnswer>;
  call(path: string, call: ActionCall): Promise<OcciAnswer>;
};

/** A client that speaks one rendering. */
export function occiClient(base: string, type: MediaType, extra: Headers = {}): OcciClient {
  const accepting = { accept: type, ...extra };
  const carry = async (
    method: string,
    path: string,
    content: { headers: Headers; body: string },
  ): Promise<OcciAnswer> =>
    send(new URL(path, base).href, method, {
      ...content,
      headers: { ...accepting, 'content-type': type, ...content.headers },
    });
  const rendered = (
    body: Parameters<typeof renderBody>[1],
    as: MediaType = type,
  ): { headers: Headers; body: string } => {
    const { headers, body: text } = renderBody(as, body, (path) => path);
    return {
      headers: { ...Object.fromEntries(headers), 'content-type': as },
      body: as === 'text/occi' ? '' : text,
    };
  };
  const entityOf = ({ kind, mixins = [], attributes = {}, links = [] }: Part): EntityRendering => ({
    ...{ kind: kind ?? null, mixins, links, actions: [] },
    attributes: new Map(Object.entries(attributes)),
  });
  const located = (part: Part): LocatedEntity => ({ location: base, entity: entityOf(part) });
  return {
    get: async (path: string, headers: Headers = {}) =>
      send(new URL(path, base).href, 'GET', { headers: { ...accepting, ...headers } }),
    delete: async (path: string) => send(new URL(path, base).href, 'DELETE', { headers: accepting }),
    entity: async (method: 'PUT' | 'POST', path: string, part: Part) =>
      carry(method, path, rendered({ what: 'entity', located: located(part) })),
    categories: async (method: 'POST' | 'DELETE', path: string, categories: readonly Mixin[]) =>
      carry(method, path, rendered({ what: 'categories', categories })),
    filtered: async (path: string, part: Part) =>
      carry('GET', path, rendered({ what: 'entity', located: located(part) }, 'text/occi')),
    locations: async (method: 'POST' | 'PUT' | 'DELETE', path: string, locations: readonly string[]) =>
      carry(
        method,
        path,
        rendered({
          what: 'collection',
          entities: locations.map((location) => ({ location, entity: entityOf({ kind: 'any' }) })),
        }),
      ),
    call: async (path: string, { action, attributes }: ActionCall) =>
      carry('POST', `${path}?action=${action.split('#')[1] ?? ''}`, callIn(type, action, attributes)),
  };
}

function callIn(type: MediaType, action: string, attributes: Attributes): { headers: Headers; body: string } {
  if (type.startsWith('application/'))
    return { headers: {}, body: JSON.stringify({ action, attributes: Object.fromEntries(attributes) }) };
  const [scheme = '', term = ''] = action.split('#');
  const category = `${term}; scheme="${scheme}#"; class="action"`;
  const values = Array.from(attributes, ([name, value]) => `${name}=${JSON.stringify(value)}`);
  if (type === 'text/occi') return { headers: { Category: category, 'X-OCCI-Attribute': values }, body: '' };
  return {
    headers: {},
    body: [`Category: ${category}`, ...values.map((value) => `X-OCCI-Attribute: ${value}`)].join('\n'),
  };
}
