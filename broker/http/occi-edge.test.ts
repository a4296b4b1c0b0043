import { AppError, type Role } from '@medusa/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OcciBackend } from '../occi/backend.ts';
import { createOcciServer, type OcciStore } from '../occi/index.ts';
import {
  computeKind,
  gpuMixin,
  identifierOf,
  mixinOf,
  networkKind,
  osTemplateMixin,
  pacsKind,
  storageKind,
  storageLinkKind,
  type LinkRendering,
  type Mixin,
} from '../occi/model/index.ts';
import type { OcciPayload } from '../occi/rendering/index.ts';
import { createMemoryBackend, createMemoryStore } from '../support/memory-occi.ts';
import { occiClient, send, type OcciClient, type Part } from '../support/occi-client.ts';
import { startOcciEdge, type OcciEdge } from '../support/occi-edge.ts';

let edge: OcciEdge;
let base = '';
let origin = '';
let roles: readonly Role[] = ['admin'];
let backends: readonly OcciBackend[] = [];
let store: OcciStore = createMemoryStore();

const debian = mixinOf({
  ...{ scheme: 'http://medusa.example/occi/os_tpl#', term: 'debian', title: 'Debian' },
  depends: [identifierOf(osTemplateMixin)],
  applies: [identifierOf(computeKind)],
});
const compute = identifierOf(computeKind);
const storageLink = identifierOf(storageLinkKind);
const stop = 'http://schemas.ogf.org/occi/infrastructure/compute/action#stop';
const start = 'http://schemas.ogf.org/occi/infrastructure/compute/action#start';

beforeAll(async () => {
  const mixins = async () => [gpuMixin, osTemplateMixin, debian];
  edge = await startOcciEdge({
    open: (root) => ({
      answer: async (request) => createOcciServer({ root, backends, store, mixins }).answer(request),
    }),
    roles: () => roles,
  });
  ({ base, origin } = edge);
});
afterAll(async () => edge[Symbol.asyncDispose]());

beforeEach(() => {
  roles = ['admin'];
  edge.written.length = 0;
  store = createMemoryStore();
  const after = { start: 'active', stop: 'inactive' };
  const pacs = { id: 'main', mixins: [], attributes: new Map(), actions: [] };
  backends = [
    createMemoryBackend(computeKind, { states: { attribute: 'occi.compute.state', after } }),
    createMemoryBackend(networkKind),
    createMemoryBackend(storageKind),
    createMemoryBackend(storageLinkKind),
    createMemoryBackend(pacsKind, { isReadOnly: true, initial: [pacs] }),
  ];
});

const renderings = ['text/plain', 'text/occi', 'application/occi+json', 'application/json'] as const;
const noArguments = new Map();
const attributesIn = ({ entities }: OcciPayload): Record<string, unknown> =>
  Object.fromEntries(entities[0]?.attributes ?? []);
const at = (path: string): string => `${base}${path}`;
const clientOf = (type: (typeof renderings)[number] | 'text/uri-list'): OcciClient => occiClient(base, type);
const linkTo = (target: string): LinkRendering => ({
  ...{ target, rel: null, self: null, kind: storageLink, mixins: [], attributes: noArguments },
});
const tag: Mixin = mixinOf({
  ...{ scheme: 'http://users.test/tags#', term: 'urgent', title: 'Urgent', location: '/tags/urgent/' },
});

describe.each(renderings)('in %s', (type) => {
  const client = () => clientOf(type);
  const create = async (id: string, attributes: Record<string, string | number> = {}) =>
    client().entity('PUT', `compute/${id}`, { kind: compute, attributes });

  it('every answer tells the version and its type', async () => {
    for (const path of ['-/', 'compute/', 'compute/nobody', 'nowhere']) {
      const answer = await client().get(path);
      expect(answer.header('server')).toMatch(/ OCCI\/1\.2$/);
      expect(answer.header('content-type')).toBeDefined();
    }
    expect((await client().get('-/')).header('content-type')?.split(';')[0]).toBe(type);
  });

  it('discovery tells all categories, and those alone that a filter names', async () => {
    const all = (await client().get('-/')).payload().categories.map(({ scheme, term }) => `${scheme}${term}`);
    expect(all).toEqual(expect.arrayContaining([compute, start, stop, identifierOf(debian)]));
    expect(all).not.toContain('http://schemas.ogf.org/occi/infrastructure/compute/action#suspend');

    const filtered = (await client().filtered('-/', { kind: compute })).payload().categories;
    expect(filtered).toMatchObject([{ term: 'compute', location: '/occi/compute/', class: 'kind' }]);
  });

  it('a user defines a mixin, gives it to instances, replaces these, takes it off and removes it', async () => {
    await create('a');
    await create('b');
    const [a, b] = [at('compute/a'), at('compute/b')];
    const tagged = async () => (await client().get('tags/urgent/')).payload().locations;

    expect((await client().categories('POST', '-/', [tag])).status).toBe(200);
    expect((await client().get('-/')).payload().categories.map(({ term }) => term)).toContain('urgent');
    const associated = await client().locations('POST', 'tags/urgent/', [a]);
    expect([associated.status, associated.payload().locations]).toEqual([200, [a]]);
    expect((await client().get('compute/a')).payload().entities[0]?.mixins).toEqual([identifierOf(tag)]);
    const replaced = await client().locations('PUT', 'tags/urgent/', [b]);
    expect([replaced.status, replaced.payload().locations]).toEqual([200, [b]]);
    await client().locations('POST', 'tags/urgent/', ['/occi/compute/a']);
    expect(await tagged()).toEqual([a, b]);
    expect((await client().locations('DELETE', 'tags/urgent/', [a])).status).toBe(200);
    expect(await tagged()).toEqual([b]);
    expect((await client().categories('DELETE', '-/', [tag])).status).toBe(200);
    expect((await client().get('tags/urgent/')).status).toBe(404);
    expect((await client().get('compute/b')).payload().entities[0]?.mixins).toEqual([]);
  });

  it('PUT creates with 201 and the location, GET shows it, and PUT of what GET showed changes nothing', async () => {
    const made = await create('web', {
      'occi.compute.cores': 2,
      'occi.core.title': 'A "web"; server, of ours',
    });
    expect([made.status, made.header('location')]).toEqual([201, at('compute/web')]);

    const shown = await client().get('compute/web');
    expect(shown.status).toBe(200);
    expect(attributesIn(shown.payload())).toEqual({
      'occi.core.id': 'web',
      'occi.core.title': 'A "web"; server, of ours',
      'occi.compute.cores': 2,
      'occi.compute.state': 'inactive',
    });
    const [entity] = shown.payload().entities;
    expect(entity?.actions).toEqual([start, stop]);
    const again = await client().entity('PUT', 'compute/web', {
      kind: compute,
      attributes: Object.fromEntries(entity?.attributes ?? []),
    });
    expect(again.status).toBe(200);
    expect(again.payload().entities).toEqual(shown.payload().entities);
  });

  it('PUT replaces and leaves links, POST changes a part', async () => {
    await client().entity('PUT', 'storage/disk', {
      kind: identifierOf(storageKind),
      attributes: { 'occi.storage.size': 1 },
    });
    await client().entity('PUT', 'compute/web', {
      kind: compute,
      attributes: { 'occi.core.title': 'old', 'occi.core.summary': 'words' },
      links: [linkTo('/occi/storage/disk')],
    });

    const replaced = await client().entity('PUT', 'compute/web', {
      kind: compute,
      attributes: { 'occi.core.title': 'new' },
    });
    expect(attributesIn(replaced.payload())).not.toHaveProperty(['occi.core.summary']);
    expect(replaced.payload().entities[0]?.links).toMatchObject([
      { target: '/occi/storage/disk', kind: storageLink, rel: identifierOf(storageKind) },
    ]);
    const changed = await client().entity('POST', 'compute/web', {
      attributes: { 'occi.core.summary': 'more' },
    });
    expect(changed.status).toBe(200);
    expect(attributesIn(changed.payload())).toMatchObject({
      'occi.core.title': 'new',
      'occi.core.summary': 'more',
    });
  });

  it('POST adds a tag of a user, PUT without it takes it off', async () => {
    await client().categories('POST', '-/', [tag]);
    await create('a');
    const mixins = async () => (await client().get('compute/a')).payload().entities[0]?.mixins;

    await client().entity('POST', 'compute/a', { mixins: [identifierOf(tag)] });
    expect(await mixins()).toEqual([identifierOf(tag)]);
    await client().entity('POST', 'compute/a', { attributes: { 'occi.core.title': 'kept' } });
    expect(await mixins()).toEqual([identifierOf(tag)]);
    await create('a');
    expect(await mixins()).toEqual([]);
  });

  it('an action changes an instance, or all of a collection, and the answer shows it', async () => {
    await create('a');
    await create('b');

    const one = await client().call('compute/a', { action: start, attributes: noArguments });
    expect([one.status, attributesIn(one.payload())['occi.compute.state']]).toEqual([200, 'active']);
    const all = await client().call('compute/', {
      action: stop,
      attributes: new Map([['method', 'graceful']]),
    });
    expect([all.status, all.payload().locations]).toEqual([200, [at('compute/a'), at('compute/b')]]);
    expect(attributesIn((await client().get('compute/a')).payload())['occi.compute.state']).toBe('inactive');
    expect(
      (await client().call('compute/a', { action: stop, attributes: new Map([['method', 'axe']]) })).status,
    ).toBe(400);
  });

  it('an action that a kind has not is answered with 405: nobody starts a PACS', async () => {
    const answer = await client().call('pacs/main', { action: start, attributes: noArguments });

    expect([answer.status, answer.header('allow')]).toEqual([405, 'GET']);
  });

  it('POST to a collection creates, DELETE of the instance and of the collection delete', async () => {
    const made = await client().entity('POST', 'compute/', { kind: compute, mixins: [identifierOf(debian)] });
    const location = made.header('location') ?? '';
    expect(made.status).toBe(201);
    expect(location).toMatch(/^http:.*\/compute\/new-\d+$/);
    expect(made.payload().locations).toEqual([location]);
    await create('b');

    expect((await client().delete(location)).status).toBe(200);
    expect((await client().get(location)).status).toBe(404);
    expect((await client().delete('compute/')).status).toBe(200);
    const left = await client().get('compute/');
    expect([left.status, left.payload().locations]).toEqual([200, []]);
  });

  it('collections are filtered by category and by attribute', async () => {
    await create('one', { 'occi.compute.cores': 1 });
    await create('two', { 'occi.compute.cores': 2 });
    await client().entity('PUT', 'compute/three', { kind: compute, mixins: [identifierOf(debian)] });
    const found = async (path: string, part: Part) =>
      (await client().filtered(path, part)).payload().locations;

    expect(await found('compute/', { attributes: { 'occi.compute.cores': 2 } })).toEqual([at('compute/two')]);
    expect(await found('compute/', { mixins: [identifierOf(osTemplateMixin)] })).toEqual([
      at('compute/three'),
    ]);
    expect(await found('', { kind: identifierOf(pacsKind) })).toEqual([at('pacs/main')]);
    expect(await found('compute/', { kind: identifierOf(pacsKind) })).toEqual([]);
  });

  it('pages follow each other, end empty, and are not too large', async () => {
    for (const id of ['a', 'b', 'c']) await create(id);
    const page = async (query: string) => client().get(`compute/?${query}`);

    expect((await page('page=1&number=2')).payload().locations).toEqual([at('compute/a'), at('compute/b')]);
    expect((await page('page=2;number=2')).payload().locations).toEqual([at('compute/c')]);
    const past = await page('page=3&number=2');
    expect([past.status, past.payload().locations]).toEqual([200, []]);
    expect((await page('page=1&number=100000')).status).toBe(413);
    expect((await page('page=0&number=2')).status).toBe(400);
  });

  it('an unbound path shows all that is below it', async () => {
    await create('a');

    expect((await client().get('')).payload().locations).toEqual([at('compute/a'), at('pacs/main')]);
  });
});

describe('the statuses of GFD.223', () => {
  const client = () => clientOf('text/plain');

  it('501 to a client of a later version, at every address', async () => {
    for (const path of ['-/', 'compute/', 'nowhere'])
      expect((await client().get(path, { 'user-agent': 'x/1 OCCI/1.3' })).status).toBe(501);
    for (const agent of ['x OCCI/1.2', 'x OCCI/1.1', 'curl/8'])
      expect((await client().get('-/', { 'user-agent': agent })).status).toBe(200);
  });

  it('401 to strangers, with the version', async () => {
    const answer = await client().get('-/', { authorization: 'Bearer none' });

    expect([answer.status, answer.header('server')]).toEqual([401, 'medusa OCCI/1.2']);
  });

  it('403 to who may not change, 403 for mixins of the server', async () => {
    expect((await client().categories('DELETE', '-/', [debian])).status).toBe(403);
    roles = ['radiologist'];
    expect((await client().entity('PUT', 'compute/a', { kind: compute })).status).toBe(403);
    expect((await client().categories('POST', '-/', [tag])).status).toBe(403);
    expect((await client().get('compute/')).status).toBe(200);
  });

  it.each([
    ['another kind', { kind: identifierOf(networkKind) }],
    ['no kind', {}],
    ['an unknown mixin', { kind: compute, mixins: ['http://nowhere.test/#mixin'] }],
    ['an unknown attribute', { kind: compute, attributes: { 'occi.compute.colour': 'red' } }],
    ['a value of another type', { kind: compute, attributes: { 'occi.compute.cores': 'two' } }],
    ['another id than the address has', { kind: compute, attributes: { 'occi.core.id': 'b' } }],
    ['a link of no kind', { kind: compute, links: [{ ...linkTo('/occi/storage/a'), kind: null }] }],
    ['a link to another server', { kind: compute, links: [linkTo('https://elsewhere.test/storage/a')] }],
  ])('400 for %s, and nothing is created', async (_what, part) => {
    expect((await client().entity('PUT', 'compute/a', part)).status).toBe(400);
    expect((await client().get('compute/')).payload().locations).toEqual([]);
  });

  it('400 for what cannot be read, with the place', async () => {
    const body = 'Category: compute; scheme="http://schemas.ogf.org';
    const answer = await send(at('compute/'), 'POST', { headers: { 'content-type': 'text/plain' }, body });

    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'request.malformed',
      line: 1,
      column: body.length + 1,
    });
    for (const type of ['application/xml', 'text/html'])
      expect((await send(at('compute/'), 'POST', { headers: { 'content-type': type }, body })).status).toBe(
        400,
      );
  });

  it('404, 405 with Allow, 406 before anything is done, 409, 413', async () => {
    expect((await client().get('compute/nobody')).status).toBe(404);
    const refused = await client().entity('PUT', 'compute/', { kind: compute });
    expect([refused.status, refused.header('allow')]).toEqual([405, 'GET, POST, DELETE']);
    expect((await send(at('compute/'), 'PATCH')).status).toBe(405);
    expect((await client().delete('pacs/main')).status).toBe(405);
    const headers = {
      accept: 'image/png',
      'content-type': 'text/occi',
      category: 'compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"',
    };
    expect((await send(at('compute/'), 'POST', { headers })).status).toBe(406);
    expect((await client().get('compute/')).payload().locations).toEqual([]);
    await client().categories('POST', '-/', [tag]);
    expect((await client().categories('POST', '-/', [{ ...tag, term: 'other' }])).status).toBe(409);
    expect(
      (await client().categories('POST', '-/', [{ ...tag, term: 'inside', location: '/compute/x/' }])).status,
    ).toBe(409);
    const body = 'x'.repeat(300_000);
    expect(
      (await send(at('compute/'), 'POST', { headers: { 'content-type': 'text/plain' }, body })).status,
    ).toBe(413);
  });
});

describe('traps', () => {
  it('discovery stands at the root, at the well-known address and below the mount, with and without its slash', async () => {
    for (const path of ['/-/', '/-', '/.well-known/org/ogf/occi/-/', '/occi/-/', '/occi/-'])
      expect((await send(`${origin}${path}`, 'GET')).text).toContain('Category: compute; ');
    expect((await send(`${origin}/-/`, 'HEAD')).status).toBe(200);
    expect((await send(`${origin}/-/nothing`, 'GET')).status).toBe(404);
  });

  it('repeated headers and headers joined by commas are the same', async () => {
    const kind = 'compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"';
    const mixin = 'debian; scheme="http://medusa.example/occi/os_tpl#"; class=mixin';
    const common = { 'content-type': 'text/occi; charset=utf-8', accept: 'text/occi' };
    const attributes = ['occi.compute.cores=2', 'occi.core.title="a, b; c"'];
    const repeated = { ...common, Category: [kind, mixin], 'X-OCCI-Attribute': attributes };
    const joined = {
      ...common,
      category: [kind, mixin].join(', '),
      'x-occi-attribute': attributes.join(','),
    };

    await send(at('compute/repeated'), 'PUT', { headers: repeated });
    await send(at('compute/joined'), 'PUT', { headers: joined });
    const [one, other] = await Promise.all(
      ['repeated', 'joined'].map(
        async (id) => (await clientOf('text/plain').get(`compute/${id}`)).payload().entities[0],
      ),
    );
    expect(one?.attributes.get('occi.core.title')).toBe('a, b; c');
    expect([one?.mixins, one?.attributes.get('occi.compute.cores')]).toEqual([
      other?.mixins,
      other?.attributes.get('occi.compute.cores'),
    ]);
  });

  it('text beyond ASCII comes through headers', async () => {
    await clientOf('text/occi').entity('PUT', 'compute/a', {
      kind: compute,
      attributes: { 'occi.core.title': 'Ärzte 医' },
    });

    for (const type of renderings)
      expect(attributesIn((await clientOf(type).get('compute/a')).payload())['occi.core.title']).toBe(
        'Ärzte 医',
      );
  });

  it('a list of URIs is told and taken', async () => {
    await clientOf('text/plain').entity('PUT', 'compute/a', { kind: compute });
    await clientOf('text/plain').categories('POST', '-/', [tag]);

    expect((await clientOf('text/uri-list').get('compute/')).text).toBe(`${at('compute/a')}\r\n`);
    const tagged = await clientOf('text/uri-list').locations('POST', 'tags/urgent/', [at('compute/a')]);
    expect([tagged.status, tagged.text]).toEqual([200, `${at('compute/a')}\r\n`]);
  });

  it('a link that cannot be made leaves no resource behind', async () => {
    backends = backends.map((backend) =>
      backend.kind === storageLinkKind
        ? {
            ...backend,
            create: async () => Promise.reject(new AppError('resource.conflict', 'It is attached')),
          }
        : backend,
    );
    const answer = await clientOf('text/plain').entity('PUT', 'compute/a', {
      ...{ kind: compute, attributes: { 'occi.core.title': 'a' }, links: [linkTo('/occi/storage/disk')] },
    });

    expect(answer.status).toBe(409);
    expect((await clientOf('text/plain').get('compute/a')).status).toBe(404);
    expect((await store.notes()).size).toBe(0);
  });

  it('several instances are created together or not at all', async () => {
    const body = JSON.stringify({
      resources: [{ kind: compute }, { kind: compute, attributes: { 'occi.compute.cores': -1 } }],
    });
    const headers = { 'content-type': 'application/json' };

    expect((await send(at('compute/'), 'POST', { headers, body })).status).toBe(400);
    expect((await clientOf('text/plain').get('compute/')).payload().locations).toEqual([]);
  });

  it('what cannot be read by the role is neither listed nor shown', async () => {
    backends = backends.map((backend) => ({ ...backend, access: { read: ['admin'], change: ['admin'] } }));
    roles = ['doctor'];

    expect((await clientOf('text/plain').get('')).payload().locations).toEqual([]);
    expect((await clientOf('text/plain').get('pacs/main')).status).toBe(403);
  });
});

describe('the audit trail', () => {
  it('has every change and attempt, and no value of an attribute', async () => {
    const client = clientOf('text/plain');
    await client.entity('POST', 'compute/', { kind: compute, attributes: { 'occi.core.title': 'a secret' } });
    await client.entity('PUT', 'compute/x', { kind: compute, attributes: { 'occi.compute.cores': 0 } });
    await client.get('compute/');

    expect(edge.written.map(({ action, objectId, outcome }) => [action, objectId, outcome])).toEqual([
      ['resource.changed', expect.stringMatching('^/occi/compute/new-') as unknown, undefined],
      ['resource.changed', '/compute/x', 'failure'],
    ]);
    expect(edge.written[0]?.detail).toContain('occi.core.title');
    expect(JSON.stringify(edge.written)).not.toContain('a secret');
  });
});
