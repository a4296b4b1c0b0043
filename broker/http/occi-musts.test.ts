import { AppError, type ProblemCode, type Role } from '@medusa/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OcciBackend } from '../occi/backend.ts';
import { createOcciServer, type MediaType, type OcciStore } from '../occi/index.ts';
import {
  computeKind,
  identifierOf,
  mixinOf,
  pacsKind,
  storageKind,
  storageLinkKind,
} from '../occi/model/index.ts';
import { createMemoryBackend, createMemoryStore } from '../support/memory-occi.ts';
import { occiClient, send, type OcciAnswer, type OcciClient } from '../support/occi-client.ts';
import { startOcciEdge, type OcciEdge } from '../support/occi-edge.ts';

const compute = identifierOf(computeKind);
const callOf = (term: string) => ({
  action: `http://schemas.ogf.org/occi/infrastructure/compute/action#${term}`,
  attributes: new Map(),
});
const [start, stop] = [callOf('start'), callOf('stop')] as const;
const tag = mixinOf({
  ...{ scheme: 'http://users.test/tags#', term: 'urgent', title: 'Urgent', location: '/tags/urgent/' },
});

let edge: OcciEdge;
let backends: readonly OcciBackend[] = [];
let store: OcciStore;
let roles: readonly Role[] = ['admin'];
/** What all that is behind the edge fails with. */
let failure: Error | undefined;

beforeAll(async () => {
  const open: Parameters<typeof startOcciEdge>[0]['open'] = (root) => ({
    async answer(request) {
      if (failure) throw failure;
      return createOcciServer({ root, backends, store, mixins: async () => [] }).answer(request);
    },
  });
  edge = await startOcciEdge({ open, roles: () => roles });
});
afterAll(async () => edge[Symbol.asyncDispose]());
beforeEach(() => {
  roles = ['admin'];
  failure = undefined;
  store = createMemoryStore();
  const states = { attribute: 'occi.compute.state', after: { start: 'active', stop: 'inactive' } };
  const pacs = { id: 'main', mixins: [], attributes: new Map(), actions: [] };
  backends = [
    createMemoryBackend(computeKind, { states }),
    createMemoryBackend(storageKind),
    createMemoryBackend(storageLinkKind),
    createMemoryBackend(pacsKind, { isReadOnly: true, initial: [pacs] }),
  ];
});

const at = (path: string): string => `${edge.base}${path}`;
const create = async (client: OcciClient, id: string, cores = 1): Promise<OcciAnswer> =>
  client.entity('PUT', `compute/${id}`, { kind: compute, attributes: { 'occi.compute.cores': cores } });
const listed = async (client: OcciClient, path: string): Promise<readonly string[]> =>
  (await client.get(path)).payload().locations;
/** An instance as its rendering tells it: a list of URIs tells where it is. */
const tells = async (client: OcciClient, path: string, name: string): Promise<unknown> =>
  (await occiClient(edge.base, 'application/json').get(path)).payload().entities[0]?.attributes.get(name) ??
  (await client.get(path)).status;
const shows = (answer: OcciAnswer, location: string): void => {
  const { entities, locations } = answer.payload();
  const id = location.split('/').at(-1);
  const isShown = entities.some(({ attributes }) => attributes.get('occi.core.id') === id);
  expect(isShown || locations.includes(location)).toBe(true);
};

type Must = { readonly must: string; readonly holds: (client: OcciClient, type: MediaType) => Promise<void> };

/** What a server has to do (GFD.223, GFD.229 for the renderings), in the order of its chapters. */
const musts: Readonly<Record<number, Must>> = {
  1: {
    must: 'each response tells OCCI/1.2 in its Server header, refusals too',
    async holds(client) {
      for (const path of ['-/', 'compute/', '', 'compute/nobody', 'nowhere'])
        expect((await client.get(path)).header('server')).toMatch(/ OCCI\/1\.2$/);
      expect((await client.get('-/', { authorization: 'Bearer none' })).header('server')).toMatch(
        /OCCI\/1\.2$/,
      );
    },
  },
  2: {
    must: 'a client that advertises a higher version gets 501, one of ours and older ones are served',
    async holds(client) {
      for (const agent of ['x OCCI/1.3', 'x OCCI/2.0'])
        expect((await client.get('-/', { 'user-agent': agent })).status).toBe(501);
      for (const agent of ['x OCCI/1.2', 'x OCCI/1.1', 'curl/8'])
        expect((await client.get('-/', { 'user-agent': agent })).status).toBe(200);
    },
  },
  3: {
    must: 'each response has a Content-Type, which is the one that was asked for',
    async holds(client, type) {
      await create(client, 'a');
      for (const path of ['-/', 'compute/', '', 'compute/a'])
        expect((await client.get(path)).header('content-type')?.split(';')[0]).toBe(type);
      expect((await client.delete('compute/a')).header('content-type')?.split(';')[0]).toBe(type);
      expect((await client.get('compute/a')).header('content-type')).toBe(
        'application/problem+json; charset=utf-8',
      );
    },
  },
  4: {
    must: 'the statuses are those that clients understand',
    async holds(client) {
      expect((await client.get('-/')).status).toBe(200);
      expect((await create(client, 'a')).status).toBe(201);
      expect((await create(client, 'bad', 0)).status).toBe(400);
      expect((await client.get('-/', { authorization: 'Bearer none' })).status).toBe(401);
      roles = ['doctor'];
      expect((await client.delete('compute/a')).status).toBe(403);
      roles = ['admin'];
      expect((await client.get('compute/nobody')).status).toBe(404);
      expect((await client.delete('pacs/main')).status).toBe(405);
      expect((await client.get('compute/', { accept: 'image/png' })).status).toBe(406);
      await client.categories('POST', '-/', [tag]);
      expect((await client.categories('POST', '-/', [{ ...tag, term: 'other' }])).status).toBe(409);
      expect((await client.get('compute/?number=100000')).status).toBe(413);
      for (const [code, status] of [
        ['internal', 500],
        ['occi.not-implemented', 501],
        ['session.no-capacity', 503],
        // Those that GFD.223 has not become the nearest that it has.
        ['request.invalid', 400],
        ['offer.unfit', 400],
        ['agreement.over', 409],
        ['provider.failed', 503],
      ] satisfies [ProblemCode, number][]) {
        failure = code === 'internal' ? new Error('broken') : new AppError(code, 'It failed');
        expect([code, (await client.get('compute/')).status]).toEqual([code, status]);
      }
    },
  },
  5: {
    must: 'the query interface tells all categories, and those that a filter names',
    async holds(client, type) {
      const all = (await client.get('-/')).payload();
      const found = (await client.filtered('-/', { kind: compute })).payload();
      if (type === 'text/uri-list') {
        expect(all.locations).toEqual(expect.arrayContaining(['/occi/compute/', '/occi/pacs/']));
        expect(found.locations).toEqual(['/occi/compute/']);
      } else {
        expect(all.categories.map(({ term }) => term)).toEqual(
          expect.arrayContaining(['compute', 'pacs', 'start']),
        );
        expect(found.categories.map(({ term }) => term)).toEqual(['compute']);
      }
    },
  },
  6: {
    must: 'the query interface stands at /-/ and may stand at the well-known address',
    async holds(_client, accept) {
      for (const path of ['/-/', '/.well-known/org/ogf/occi/-/'])
        expect((await send(`${edge.origin}${path}`, 'GET', { headers: { accept } })).status).toBe(200);
    },
  },
  7: {
    must: 'POST to the query interface defines a mixin, DELETE removes it, both with 200',
    async holds(client) {
      expect((await client.categories('POST', '-/', [tag])).status).toBe(200);
      expect((await client.get('tags/urgent/')).status).toBe(200);
      expect((await client.categories('DELETE', '-/', [tag])).status).toBe(200);
      expect((await client.get('tags/urgent/')).status).toBe(404);
    },
  },
  8: {
    must: 'GET of an instance answers 200 with it',
    async holds(client) {
      await create(client, 'a');
      const answer = await client.get('compute/a');
      expect(answer.status).toBe(200);
      shows(answer, at('compute/a'));
    },
  },
  9: {
    must: 'PUT creates: 201 and Location',
    async holds(client) {
      const answer = await create(client, 'a');
      expect([answer.status, answer.header('location')]).toEqual([201, at('compute/a')]);
    },
  },
  10: {
    must: 'PUT replaces: 200 with the instance, and its links stay',
    async holds(client) {
      await client.entity('PUT', 'storage/disk', {
        ...{ kind: identifierOf(storageKind), attributes: { 'occi.storage.size': 1 } },
      });
      await create(client, 'a');
      await client.entity('PUT', 'storagelink/one', {
        kind: identifierOf(storageLinkKind),
        attributes: { 'occi.core.source': '/occi/compute/a', 'occi.core.target': '/occi/storage/disk' },
      });
      const answer = await create(client, 'a', 2);
      expect(answer.status).toBe(200);
      shows(answer, at('compute/a'));
      expect(await tells(client, 'compute/a', 'occi.compute.cores')).toBe(2);
      expect((await client.get('storagelink/one')).status).toBe(200);
    },
  },
  11: {
    must: 'POST to an instance changes a part: 200 with the instance',
    async holds(client) {
      await create(client, 'a');
      const answer = await client.entity('POST', 'compute/a', { attributes: { 'occi.core.title': 'new' } });
      expect(answer.status).toBe(200);
      shows(answer, at('compute/a'));
      expect(await tells(client, 'compute/a', 'occi.core.title')).toBe('new');
      expect(await tells(client, 'compute/a', 'occi.compute.cores')).toBe(1);
    },
  },
  12: {
    must: 'POST ?action=TERM with the action calls it: 200 with the instance',
    async holds(client) {
      await create(client, 'a');
      const answer = await client.call('compute/a', start);
      expect(answer.status).toBe(200);
      shows(answer, at('compute/a'));
      expect(await tells(client, 'compute/a', 'occi.compute.state')).toBe('active');
    },
  },
  13: {
    must: 'DELETE of an instance answers 200, and it is gone',
    async holds(client) {
      await create(client, 'a');
      expect((await client.delete('compute/a')).status).toBe(200);
      expect((await client.get('compute/a')).status).toBe(404);
    },
  },
  14: {
    must: 'a collection is filtered by category and attribute',
    async holds(client) {
      await create(client, 'one', 1);
      await create(client, 'two', 2);
      const found = await client.filtered('compute/', { attributes: { 'occi.compute.cores': 2 } });
      expect(found.payload().locations).toEqual([at('compute/two')]);
      expect((await client.filtered('', { kind: identifierOf(pacsKind) })).payload().locations).toEqual([
        at('pacs/main'),
      ]);
    },
  },
  15: {
    must: 'pages follow each other, and past the end it is 200 and empty',
    async holds(client) {
      for (const id of ['a', 'b', 'c']) await create(client, id);
      expect(await listed(client, 'compute/?page=1&number=2')).toEqual([at('compute/a'), at('compute/b')]);
      expect(await listed(client, 'compute/?page=2&number=2')).toEqual([at('compute/c')]);
      const past = await client.get('compute/?page=3&number=2');
      expect([past.status, past.payload().locations]).toEqual([200, []]);
    },
  },
  16: {
    must: 'what is too large for one answer is 413',
    async holds(client) {
      expect((await client.get('compute/?page=1&number=100000')).status).toBe(413);
    },
  },
  17: {
    must: 'POST to a collection creates: 201 and Location',
    async holds(client) {
      const answer = await client.entity('POST', 'compute/', { kind: compute });
      expect([answer.status, answer.header('location')]).toEqual([
        201,
        expect.stringMatching('/compute/new-'),
      ]);
      expect(await listed(client, 'compute/')).toEqual([answer.header('location')]);
    },
  },
  18: {
    must: 'POST of locations to a mixin gives it, PUT replaces who has it, DELETE takes it',
    async holds(client) {
      for (const id of ['a', 'b']) await create(client, id);
      const [a, b] = [at('compute/a'), at('compute/b')];
      await client.categories('POST', '-/', [tag]);
      expect((await client.locations('POST', 'tags/urgent/', [a])).status).toBe(200);
      expect(await listed(client, 'tags/urgent/')).toEqual([a]);
      expect((await client.locations('PUT', 'tags/urgent/', [b])).status).toBe(200);
      expect(await listed(client, 'tags/urgent/')).toEqual([b]);
      expect((await client.locations('DELETE', 'tags/urgent/', [b])).status).toBe(200);
      expect(await listed(client, 'tags/urgent/')).toEqual([]);
      expect(await listed(client, 'compute/')).toEqual([a, b]);
    },
  },
  19: {
    must: 'DELETE of a collection deletes all that are in it',
    async holds(client) {
      for (const id of ['a', 'b']) await create(client, id);
      expect((await client.delete('compute/')).status).toBe(200);
      expect(await listed(client, 'compute/')).toEqual([]);
    },
  },
  20: {
    must: 'POST ?action=TERM to a collection calls it on all',
    async holds(client) {
      for (const id of ['a', 'b']) await create(client, id);
      await client.call('compute/', start);
      const answer = await client.call('compute/', stop);
      expect([answer.status, answer.payload().locations]).toEqual([200, [at('compute/a'), at('compute/b')]]);
      expect(await tells(client, 'compute/b', 'occi.compute.state')).toBe('inactive');
    },
  },
  21: {
    must: 'an unbound path tells all that is below it',
    async holds(client) {
      await create(client, 'a');
      expect(await listed(client, '')).toEqual([at('compute/a'), at('pacs/main')]);
    },
  },
  22: {
    must: 'entity, resource and link are abstract: no location and no instances',
    async holds(client, type) {
      const { categories } = (await client.get('-/')).payload();
      const abstract = categories.filter(({ scheme }) => scheme === 'http://schemas.ogf.org/occi/core#');
      expect(abstract.map(({ term, location }) => [term, location])).toEqual(
        type === 'text/uri-list' ? [] : ['entity', 'resource', 'link'].map((term) => [term, null]),
      );
      expect((await client.get('entity/')).status).toBe(404);
    },
  },
  23: {
    must: 'who is not logged in is told how: 401 with a challenge',
    async holds(client) {
      const answer = await client.get('compute/', { authorization: 'Bearer none' });
      expect([answer.status, answer.header('www-authenticate')]).toEqual([401, 'Bearer']);
    },
  },
};

const renderings: readonly MediaType[] = [
  ...(['text/plain', 'text/occi', 'text/uri-list', 'application/occi+json', 'application/json'] as const),
];

describe.each(renderings)('a compliant server, in %s', (type) => {
  it.each(Object.entries(musts).map(([number, { must, holds }]) => ({ number, must, holds })))(
    'MUST $number: $must',
    async ({ holds }) => {
      // A list of URIs carries locations alone: all else is sent as text, and answered as a list.
      const client = occiClient(edge.base, type);
      const text = occiClient(edge.base, 'text/plain', { accept: type });
      await holds(
        type === 'text/uri-list'
          ? { ...text, locations: async (...asked) => client.locations(...asked) }
          : client,
        type,
      );
    },
  );
});
