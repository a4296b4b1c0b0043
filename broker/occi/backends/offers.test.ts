import type { ProviderCatalog, ProviderView } from '@medusa/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { osTemplateMixin } from '../model/index.ts';
import { createOffers, type Offers } from './offers.ts';

const view = (id: string): ProviderView =>
  ({ id, title: id, isEnabled: true, capabilities: ['machines'], health: { state: 'reachable' } }) as never;
const image = (id: string) => ({ id, name: id, architecture: null });
const size = (id: string, cpus: number, gpu: ProviderCatalog['sizes'][number]['gpu'] = null) => ({
  ...{ id, name: id, cpus, gpu, memoryMiB: 1_024, diskGiB: null, encoder: null, architecture: null },
});
const catalog = (images: readonly string[]): ProviderCatalog => ({
  ...{ images: images.map(image), zones: [], networks: [], volumeTypes: [] },
  sizes: [size('gpu', 1, { model: 'T4', count: 1 }), size('large', 8), size('small', 1)],
});

let clock = 0;
let asked: string[] = [];
let providers: ProviderView[] = [];
let problems: unknown[] = [];
let answers: Record<string, () => Promise<ProviderCatalog>> = {};
let offers: Offers;

beforeEach(() => {
  [clock, asked, problems] = [0, [], []];
  providers = [view('one')];
  answers = { one: async () => catalog(['debian']) };
  offers = createOffers({
    provisioning: {
      providers: async () => providers,
      catalog: async (id) => {
        asked.push(id);
        return (answers[id] ?? (async () => Promise.reject(new Error('nobody'))))();
      },
    },
    now: () => clock,
    report: (error) => void problems.push(error),
  });
});

const terms = async (): Promise<string[]> =>
  (await offers()).flatMap(({ images }) => images.map(({ mixin }) => mixin.term));
/** What is asked in the background has been answered: all answers here are ready. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

describe('what providers have', () => {
  it('is asked once for many who ask at once, and again after a minute, for which nobody waits', async () => {
    await Promise.all([offers(), offers(), offers()]);
    clock = 59_000;
    await offers();
    await settle();
    expect(asked).toEqual(['one']);

    answers = { one: async () => catalog(['debian', 'fedora']) };
    clock = 61_000;
    expect(await terms()).toEqual(['one-debian']);
    await settle();
    expect(await terms()).toEqual(['one-debian', 'one-fedora']);
    expect(asked).toEqual(['one', 'one']);
  });

  it('has a new provider a second later', async () => {
    await offers();
    providers = [view('one'), view('two')];
    answers['two'] = async () => catalog(['arch']);
    clock = 1_000;
    await offers();
    await settle();

    expect(await terms()).toEqual(['one-debian', 'two-arch']);
  });

  it('is nothing of a provider that fails, which is asked again after seconds', async () => {
    answers = {};
    expect(await terms()).toEqual([]);
    expect(problems).toHaveLength(1);

    answers = { one: async () => catalog(['debian']) };
    clock = 5_000;
    await offers();
    await settle();
    expect(await terms()).toEqual(['one-debian']);
  });

  it('has the smallest size first, and those with graphics processors last', async () => {
    const [offer] = await offers();

    expect(offer?.sizes.map((one) => one.size.id)).toEqual(['small', 'large', 'gpu']);
  });

  it('has a term of its own for every name, whatever its letters', async () => {
    answers = { one: async () => catalog(['Ubuntu 24.04', 'ubuntu-24-04', 'Ubuntu_24.04', '漢']) };
    const found = await terms();

    expect(new Set(found).size).toBe(4);
    for (const term of found) expect(term).toMatch(/^[a-z][a-z0-9_-]*$/);
    const [first] = await offers();
    expect(first?.images[0]?.mixin.depends).toEqual([`${osTemplateMixin.scheme}${osTemplateMixin.term}`]);
  });
});
