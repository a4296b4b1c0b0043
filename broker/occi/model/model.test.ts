import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as model from './index.ts';

type Category = model.Kind | model.Mixin;
const isCategory = (value: unknown): value is Category =>
  typeof value === 'object' && value !== null && 'class' in value;
const published = Object.values(model).filter(isCategory);
const kinds = published.filter((one) => one.class === 'kind');
const mixins = published.filter((one) => one.class === 'mixin');
const registry = model.createRegistry(kinds, mixins);

describe('the model', () => {
  it('names each category once, by a term and a scheme of the grammar of GFD.229', () => {
    const identifiers = [...published, ...registry.actions].map(model.identifierOf);

    expect(new Set(identifiers).size).toBe(identifiers.length);
    for (const { term, scheme, attributes } of [...published, ...registry.actions]) {
      expect(term).toMatch(/^[a-z][a-z0-9_-]*$/);
      expect(scheme).toMatch(/^http:\/\/\S+#$/);
      for (const name of Object.keys(attributes))
        expect(name).toMatch(/^[a-z][A-Za-z0-9_-]*(\.[a-z][A-Za-z0-9_-]*)*$/);
    }
  });

  it('binds what has instances to one path each, and the abstract kinds to none', () => {
    const locations = published.map(({ location }) => location).filter((location) => location !== null);

    expect(new Set(locations).size).toBe(locations.length);
    for (const location of locations) expect(location).toMatch(/^\/([a-z0-9_-]+\/)+$/);
    expect(kinds.filter(({ location }) => location === null).map(({ term }) => term)).toEqual([
      ...['entity', 'resource', 'link'],
    ]);
  });

  it('has every kind extend entity with all attributes of its parent, and every mixin apply to kinds there are', () => {
    for (const kind of kinds) {
      const parent = registry.kind(kind.parent ?? model.identifierOf(kind));
      expect(registry.isA(model.identifierOf(kind), model.identifierOf(model.entityKind))).toBe(true);
      expect(Object.keys(kind.attributes)).toEqual(
        expect.arrayContaining(Object.keys(parent?.attributes ?? { missing: 1 })),
      );
    }
    for (const { applies } of mixins) for (const one of applies) expect(registry.kind(one)).toBeDefined();
  });

  it('has the operations of GFD.224, GFD.227 and GFD.228, and none on what is not ours', () => {
    const terms = ({ actions }: model.Kind): string[] => actions.map(({ term }) => term);

    expect(terms(model.computeKind)).toEqual(['start', 'stop', 'restart', 'suspend', 'save']);
    expect(terms(model.networkKind)).toEqual(['up', 'down']);
    // The last three are those of OCCI 1.1 (GFD.184).
    expect(terms(model.storageKind)).toEqual(['online', 'offline', 'backup', 'snapshot', 'resize']);
    expect(terms(model.applicationKind)).toEqual(['start', 'stop']);
    expect(terms(model.agreementKind)).toEqual(['accept', 'reject', 'suspend', 'resume', 'terminate']);
    expect(terms(model.pacsKind)).toEqual([]);
  });
});

describe('the registry', () => {
  it('answers a filter with exactly what it names', () => {
    const wanted = [model.computeKind, model.gpuMixin].map(model.identifierOf);

    expect(model.chosen(registry, wanted).map(model.identifierOf)).toEqual(wanted);
    expect(model.chosen(registry, [])).toHaveLength(published.length + registry.actions.length);
    expect(model.chosen(registry, ['http://nowhere.test/#none'])).toEqual([]);
  });

  it('never lets a later category hide an earlier one', () => {
    const impostor: model.Mixin = { ...model.gpuMixin, title: 'Impostor' };
    const thief: model.Mixin = { ...model.gpuMixin, term: 'thief', location: '/compute/' };
    const crowded = model.createRegistry(kinds, [...mixins, impostor, thief]);

    expect(crowded.mixin(model.identifierOf(model.gpuMixin))?.title).toBe('Graphics processor');
    expect(crowded.at('/compute/')).toBe(model.computeKind);
  });

  it('ends when mixins depend on each other in a circle', () => {
    const a: model.Mixin = {
      ...model.gpuMixin,
      scheme: 'http://a.test/#',
      term: 'a',
      depends: ['http://a.test/#b'],
    };
    const b: model.Mixin = { ...a, term: 'b', depends: ['http://a.test/#a'] };
    const circle = model.createRegistry([], [a, b]);

    expect(circle.isA('http://a.test/#a', 'http://a.test/#b')).toBe(true);
    expect(circle.isA('http://a.test/#a', 'http://a.test/#c')).toBe(false);
    expect([...model.definitionsOf(model.computeKind, [a], circle).keys()]).toContain('medusa.gpu.model');
  });

  it('knows what lies below a path', () => {
    expect(registry.below('/').length).toBe(kinds.length - model.coreKinds.length);
    expect(registry.below('/compute/')).toEqual([model.computeKind]);
  });
});

describe('the check of attributes', () => {
  const { computeKind, storageKind } = model;
  const check = (kind: model.Kind, given: Record<string, model.OcciValue>): model.Checked => {
    const definitions = model.definitionsOf(kind, [], registry);
    return model.completed(model.checkAttributes(new Map(Object.entries(given)), definitions), definitions);
  };

  it('takes what the definition takes and leaves out what only the server sets', () => {
    const given = { 'occi.compute.cores': 2, 'occi.compute.memory': 3.5, 'occi.compute.state': 'active' };

    expect(check(computeKind, given)).toEqual({
      attributes: new Map([
        ['occi.compute.cores', 2],
        ['occi.compute.memory', 3.5],
      ]),
      faults: [],
    });
  });

  it.each([
    ['occi.compute.cores', 'two', 'is a number'],
    ['occi.compute.cores', 1.5, 'is a whole number'],
    ['occi.compute.cores', 0, 'is at least 1'],
    ['occi.compute.architecture', 'z80', 'is one of x86, x64, arm64, riscv64'],
    ['occi.compute.colour', 'red', 'there is no such attribute'],
    ['constructor', 'red', 'there is no such attribute'],
  ])('refuses %s = %s: it %s', (name, value, message) => {
    expect(check(computeKind, { [name]: value }).faults).toEqual([{ name, message }]);
  });

  it('misses what is required', () => {
    expect(check(storageKind, {}).faults).toEqual([{ name: 'occi.storage.size', message: 'is required' }]);
  });

  it('never lets through what its definition does not allow', () => {
    const value = fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.boolean());
    const name = fc.constantFrom(...Object.keys(computeKind.attributes), 'toString', '__proto__', 'x');
    fc.assert(
      fc.property(fc.dictionary(name, value), (given) => {
        for (const [key, taken] of check(computeKind, given).attributes) {
          const definition = computeKind.attributes[key];
          expect(definition?.isMutable).toBe(true);
          expect(typeof taken).toBe(definition?.type);
        }
      }),
    );
  });

  it('keeps mixins to the kinds they apply to', () => {
    const { gpuMixin, ipNetworkMixin } = model;

    expect(model.checkMixins(computeKind, [gpuMixin], registry)).toEqual([]);
    expect(model.checkMixins(computeKind, [ipNetworkMixin], registry)).toEqual([
      { name: model.identifierOf(ipNetworkMixin), message: 'does not apply to compute' },
    ]);
  });
});
