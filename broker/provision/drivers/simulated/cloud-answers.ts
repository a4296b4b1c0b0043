import { resourceKindSchema, type ResourceKind } from '@medusa/protocol';
import { z } from 'zod';
import { createBodySchema } from './cloud-api.ts';
import { CloudError } from './cloud-error.ts';
import type { Cloud } from './cloud.ts';
import type { Thing, View } from './thing.ts';

/** A call that is understood and not carried out yet. */
export type CloudCall = {
  readonly sort: 'create' | 'get' | 'list' | 'destroy' | 'act' | 'other';
  readonly isChange: boolean;
  perform(): unknown;
};

type Asked = {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
  readonly random: () => number;
};

const version = '1';

/**
 * `/v1`, `/v1/catalog`, `/v1/changes?owner&after&wait`, `/v1/keys/{name}`, `/v1/{kind}?owner&page`, `/v1/{kind}/{ref}`,
 * `/v1/{kind}/{ref}/{action}`.
 */
export function answerTo(cloud: Cloud, asked: Asked): CloudCall {
  const url = new URL(asked.url, 'http://localhost');
  const [root, first, ref, action] = url.pathname.slice(1).split('/').map(decodeURIComponent);
  if (root !== 'v1') throw new CloudError('not-found', 'There is only /v1');
  const kind = resourceKindSchema.safeParse(first).data;
  if (kind) return onThings(cloud, { ...asked, url, kind, ref, action });
  switch (`${asked.method} ${first ?? ''}`) {
    case 'GET ':
      return reading('other', () => ({
        version,
        quotas: resourceKindSchema.options.map((one) => ({
          kind: one,
          used: cloud.used(one),
          limit: cloud.settings.quotas[one] ?? null,
        })),
      }));
    case 'GET catalog':
      return reading('other', () => catalogOf(cloud));
    case 'GET changes':
      return reading('other', async () => changesFor(cloud, url.searchParams));
    case 'PUT keys':
      return changing('other', () =>
        cloud.setKey(ref ?? '', z.object({ publicKey: z.string() }).parse(asked.body).publicKey),
      );
    case 'DELETE keys':
      return changing('other', () => cloud.removeKey(ref ?? ''));
    default:
      throw new CloudError('not-found', `There is no ${asked.method} ${url.pathname}`);
  }
}

type OnThings = Omit<Asked, 'url'> & {
  readonly url: URL;
  readonly kind: ResourceKind;
  readonly ref: string | undefined;
  readonly action: string | undefined;
};

function onThings(cloud: Cloud, { method, url, body, random, kind, ref, action }: OnThings): CloudCall {
  if (ref === undefined) {
    if (method === 'POST') return changing('create', () => create(cloud, kind, { body, random }));
    return reading('list', () => pageOf(cloud, kind, { query: url.searchParams, random }));
  }
  if (action === 'console') return reading('other', () => consoleOf(cloud.get(kind, ref)));
  if (action !== undefined) {
    const { argument } = z.object({ argument: z.string().optional() }).parse(body ?? {});
    return changing('act', () => cloud.act(kind, { ref, action, argument }));
  }
  if (method === 'DELETE') return changing('destroy', () => cloud.destroy(kind, ref));
  return reading('get', () => shown(cloud.get(kind, ref)));
}

const reading = (sort: CloudCall['sort'], perform: () => unknown): CloudCall => ({
  sort,
  isChange: false,
  perform,
});
const changing = (sort: CloudCall['sort'], perform: () => unknown): CloudCall => ({
  sort,
  isChange: true,
  perform: () => perform() ?? {},
});

function create(
  cloud: Cloud,
  kind: ResourceKind,
  { body, random }: { body: unknown; random: () => number },
): unknown {
  const parsed = createBodySchema.safeParse(body);
  if (!parsed.success)
    throw new CloudError('invalid', 'The body of a create has a name, a tag, a token and a spec');
  const { faults } = cloud.settings;
  const mishap = {
    ignoreToken: random() < faults.ignoreToken,
    failedBoot: kind === 'machine' && random() < faults.failedBoot,
  };
  return shown(cloud.create(kind, parsed.data, mishap));
}

function shown({ thing, view }: { thing: Thing; view: View }): unknown {
  const { ref, name, tag, createdAtMs } = thing;
  return { ...view, ref, name, tag, createdAt: new Date(createdAtMs).toISOString() };
}

const consoleOf = ({ thing }: { thing: Thing }): unknown => ({
  text: `${thing.name} is simulated: nothing runs in it.\n`,
});

function pageOf(
  cloud: Cloud,
  kind: ResourceKind,
  { query, random }: { query: URLSearchParams; random: () => number },
): unknown {
  const { pageSize, faults } = cloud.settings;
  const found = cloud.list(kind, query.get('owner') ?? '');
  const from = Number(query.get('page') ?? 0);
  const items = found.slice(from, from + pageSize);
  // As when something is added to a list that is being paged through.
  const isDoubled = random() < faults.duplicatePages;
  const again = isDoubled ? items.slice(0, Math.ceil(items.length / 2)) : [];
  const next = from + pageSize < found.length ? String(from + pageSize) : null;
  return { items: [...items, ...again].map(shown), next };
}

function catalogOf({ settings }: Cloud): unknown {
  return {
    images: settings.images,
    sizes: settings.sizes,
    zones: settings.zones,
    networks: [{ id: 'public', name: 'public', isExternal: true }],
    volumeTypes: ['ssd'],
  };
}

async function changesFor(cloud: Cloud, query: URLSearchParams): Promise<unknown> {
  const after = query.get('after');
  if (after === null) return { after: cloud.changes.last, refs: [] };
  return cloud.changes.after(Number(after), {
    owner: query.get('owner') ?? '',
    waitMs: Math.min(Number(query.get('wait') ?? 0), 30_000),
  });
}
