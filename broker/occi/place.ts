import { AppError } from '@medusa/protocol';
import type { Kind, Mixin, Registry } from './model/index.ts';

/** What a path means (GFD.223 §4). */
export type Target =
  | { readonly what: 'discovery' }
  | { readonly what: 'kind'; readonly kind: Kind }
  | { readonly what: 'mixin'; readonly mixin: Mixin }
  | { readonly what: 'entity'; readonly kind: Kind; readonly id: string }
  | { readonly what: 'unbound'; readonly path: string }
  | { readonly what: 'nothing' };

const discoveryPath = '/-/';

/** With or without a slash at the end: clients differ. */
export function targetOf(path: string, registry: Registry): Target {
  const folder = path.endsWith('/') ? path : `${path}/`;
  if (folder === discoveryPath) return { what: 'discovery' };
  return collectionAt(folder, registry) ?? entityAt(folder, registry) ?? aboveAll(folder, registry);
}

function collectionAt(folder: string, registry: Registry): Target | undefined {
  const category = registry.at(folder);
  if (!category) return undefined;
  return category.class === 'kind' ? { what: 'kind', kind: category } : { what: 'mixin', mixin: category };
}

function entityAt(folder: string, registry: Registry): Target | undefined {
  const [, parent = '', id = ''] = /^(.*\/)([^/]+)\/$/.exec(folder) ?? [];
  const kind = registry.at(parent);
  return kind?.class === 'kind' && id !== '' ? { what: 'entity', kind, id } : undefined;
}

function aboveAll(path: string, registry: Registry): Target {
  const isAbove = [...registry.kinds, ...registry.mixins].some(({ location }) => location?.startsWith(path));
  return isAbove ? { what: 'unbound', path } : { what: 'nothing' };
}

/** Where OCCI is served. */
export type Root = {
  /** Origin that clients are told, e.g. `https://broker.example`. */
  readonly origin: string;
  /** Path before all others, without a slash at the end, e.g. `/occi`. */
  readonly mount: string;
};

/** The absolute URI of a path. */
export function uriOf({ origin, mount }: Root, path: string): string {
  return `${origin}${mount}${path}`;
}

/**
 * The path that a URI reference of a client means: absolute, or relative to the server, with or without the mount.
 * `host` is what the client calls the server; a reference to any other is `request.malformed`.
 */
export function pathOf({ origin, mount }: Root, host: string | undefined, reference: string): string {
  const url = URL.canParse(reference, origin) ? new URL(reference, origin) : undefined;
  const isOurs = url !== undefined && (url.origin === origin || url.host === host);
  if (!isOurs)
    throw new AppError('request.malformed', `${reference.slice(0, 200)} is no location of this server`);
  const path = decoded(url.pathname);
  return path.startsWith(`${mount}/`) ? path.slice(mount.length) : path;
}

/** Of a request's address. */
export function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new AppError('request.malformed', 'The address is not encoded as RFC 3986 has it', { cause });
  }
}
