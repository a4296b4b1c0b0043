import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Note, OcciStore } from '../occi/index.ts';
import { mixinOf, type Mixin } from '../occi/model/index.ts';
import { createMemoryStore } from '../support/memory-occi.ts';
import { startTestDatabase } from '../support/test-database.ts';
import { createOcciStore, openDatabase } from './index.ts';

const suite = new AsyncDisposableStack();
afterAll(async () => suite.disposeAsync());

const tag = mixinOf({
  scheme: 'http://users.test/tags#',
  term: 'urgent',
  title: 'Urgent',
  location: '/urgent/',
});
const identifier = 'http://users.test/tags#urgent';
const tagged: Note = { title: null, summary: null, mixins: [identifier] };

describe.each(['PostgreSQL', 'memory'])('titles and tags in %s', (kind) => {
  let store: OcciStore;

  beforeAll(async () => {
    if (kind === 'memory') {
      store = createMemoryStore();
      return;
    }
    const database = suite.use(await startTestDatabase());
    const db = await openDatabase(await database.create('occi'), () => undefined);
    suite.defer(async () => db.destroy());
    store = createOcciStore(db);
  });

  it('a mixin comes back as it was defined, and anew when it is defined anew', async () => {
    await store.addMixin(tag);
    expect(await store.mixins()).toEqual<Mixin[]>([tag]);
    await store.addMixin({ ...tag, title: 'Most urgent' });
    expect(await store.mixins()).toEqual<Mixin[]>([{ ...tag, title: 'Most urgent' }]);
  });

  it('notes are read and changed, and an empty one is none', async () => {
    await store.change(['/a', '/b'], () => ({ title: 'A title', summary: 'Words', mixins: [] }));
    await store.change(['/b'], (note) => ({ ...note, title: null, summary: null }));

    expect(await store.notes()).toEqual(
      new Map([['/a', { title: 'A title', summary: 'Words', mixins: [] }]]),
    );
    await store.change(['/a'], () => ({ title: null, summary: null, mixins: [] }));
    expect(await store.notes()).toEqual(new Map());
  });

  it('changes at once are all kept, in whatever order they name the instances', async () => {
    const add = async (mixin: string, paths: readonly string[]): Promise<void> =>
      store.change(paths, (note) => ({ ...note, mixins: [...note.mixins, mixin] }));
    const names = Array.from({ length: 8 }, (_, index) => `m${index}`);

    await Promise.all(
      names.map(async (name, index) => add(name, index % 2 === 0 ? ['/x', '/y'] : ['/y', '/x'])),
    );

    const notes = await store.notes();
    for (const path of ['/x', '/y']) expect(notes.get(path)?.mixins.toSorted()).toEqual(names);
    await store.change(['/x', '/y'], () => ({ title: null, summary: null, mixins: [] }));
  });

  it('a mixin that is removed is taken off every instance, whose titles stay', async () => {
    await store.change(['/a'], () => tagged);
    await store.change(['/b'], () => ({ ...tagged, title: 'B' }));

    await store.removeMixin(identifier);

    expect(await store.mixins()).toEqual([]);
    expect(await store.notes()).toEqual(new Map([['/b', { title: 'B', summary: null, mixins: [] }]]));
  });
});
