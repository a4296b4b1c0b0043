import { AppError } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  computeKind,
  coreKinds,
  createRegistry,
  entityKind,
  gpuMixin,
  identifierOf,
  ipNetworkMixin,
  networkKind,
  storageLinkKind,
  type AnyCategory,
  type EntityRendering,
  type OcciValue,
} from '../model/index.ts';
import {
  chooseMediaType,
  mediaTypeOf,
  mediaTypes,
  parsePayload,
  renderBody,
  type MediaType,
  type OcciBody,
  type OcciPayload,
} from './index.ts';
import { summaryOf } from './payload.ts';

const aNumber = expect.any(Number) as unknown;
const aString = expect.any(String) as unknown;
const place = (path: string): string => `/occi${path}`;

/** What a client sends when it sends back what it got. */
function again(type: MediaType, body: OcciBody): OcciPayload {
  const rendered = renderBody(type, body, place);
  const rawHeaders = [...rendered.headers].flatMap(([name, values]) =>
    values.flatMap((value) => [name, value]),
  );
  return parsePayload(type, { body: rendered.body, rawHeaders });
}

const plain = (body: string): OcciPayload => parsePayload('text/plain', { body, rawHeaders: [] });
const headers = (...rawHeaders: string[]): OcciPayload => parsePayload('text/occi', { body: '', rawHeaders });
const json = (body: unknown): OcciPayload =>
  parsePayload('application/occi+json', { body: JSON.stringify(body), rawHeaders: [] });
const problemOf = (parse: () => unknown): AppError => {
  try {
    parse();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was wrong');
};

const full = ['text/plain', 'text/occi', 'application/occi+json', 'application/json'] as const;
const text = fc.string({ unit: 'grapheme' }).map((value) => value.replace(/\p{Cc}/gu, ' '));
const tricky = fc.oneof(
  text,
  fc.constantFrom('a;b', 'a,b', '"', '\\', 'a="b"; c', '<x>', 'Ätzend, 痛み', 'true', '7'),
);
const value: fc.Arbitrary<OcciValue> = fc.oneof(
  tricky,
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
);
const attributeName = fc.stringMatching(/^[a-z][a-zA-Z0-9_-]{0,8}(\.[a-z][a-zA-Z0-9_-]{0,8}){0,3}$/);
const attributes = fc
  .dictionary(
    attributeName.filter((name) => !name.startsWith('occi.core')),
    value,
  )
  .map((given) => new Map(Object.entries(given)));
const identifier = fc
  .tuple(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/))
  .map(([host, term]) => `http://${host}.test/occi#${term}`);
const location = fc.stringMatching(/^[a-z0-9/_-]{1,20}$/).map((path) => `https://broker.test/occi/${path}`);
const link = fc.record({
  ...{ target: location, rel: fc.option(identifier), self: fc.option(location) },
  ...{ kind: identifier, mixins: fc.array(identifier) },
  attributes: attributes.map(
    (given) => new Map([...given].filter(([name]) => !linkParameters.includes(name))),
  ),
});
const linkParameters = ['rel', 'self', 'category'];
const entity: fc.Arbitrary<EntityRendering> = fc.record({
  kind: fc.option(identifier),
  mixins: fc.array(identifier),
  attributes: fc
    .tuple(attributes, fc.string({ minLength: 1, unit: 'grapheme-ascii' }), tricky)
    .map(([given, id, title]) => new Map([...given, ['occi.core.id', id], ['occi.core.title', title]])),
  links: fc.array(link),
  actions: fc.array(identifier),
});

describe('what is rendered is read again', () => {
  it.each(full)('%s: an instance with its links and actions', (type) => {
    fc.assert(
      fc.property(entity, location, (given, at) => {
        const body: OcciBody = { what: 'entity', located: { location: at, entity: given } };
        expect(again(type, body).entities).toEqual([given]);
      }),
    );
  });

  it.each(mediaTypes)('%s: where the instances of a collection are', (type) => {
    fc.assert(
      fc.property(fc.array(fc.record({ location, entity })), (entities) => {
        const { locations } = again(type, { what: 'collection', entities });
        expect(locations).toEqual(entities.map((one) => one.location));
      }),
    );
  });

  it.each(full)('%s: every category of the model', (type) => {
    const kinds = [...coreKinds, computeKind, networkKind, storageLinkKind];
    const { actions, mixins } = createRegistry(kinds, [gpuMixin, ipNetworkMixin]);
    const categories: AnyCategory[] = [...kinds, ...mixins, ...actions];

    expect(again(type, { what: 'categories', categories }).categories).toEqual(
      categories.map((category) => summaryOf(category, place)),
    );
  });

  it('application/occi+json: all instances of a collection, links after resources', () => {
    const storageLink: EntityRendering = {
      ...{ kind: identifierOf(storageLinkKind), mixins: [], links: [], actions: [] },
      attributes: new Map([
        ['occi.core.source', '/occi/compute/a'],
        ['occi.core.target', '/occi/storage/b'],
      ]),
    };
    const compute = { ...storageLink, kind: identifierOf(computeKind), attributes: new Map() };
    const located = (one: EntityRendering) => ({ location: '/x', entity: one });

    expect(
      again('application/occi+json', {
        what: 'collection',
        entities: [storageLink, compute].map(located),
      }).entities,
    ).toEqual([compute, storageLink]);
  });

  it('keeps a line end in a value from ending the line', () => {
    const given = new Map([['occi.core.title', 'one\r\nCategory: two']]);
    const one = { kind: null, mixins: [], attributes: given, links: [], actions: [] };
    const body: OcciBody = { what: 'entity', located: { location: '/x', entity: one } };

    for (const type of ['text/plain', 'text/occi'] as const)
      expect(again(type, body).entities[0]?.attributes.get('occi.core.title')).toBe('one  Category: two');
  });
});

describe('nothing but a located problem comes of what cannot be read', () => {
  const field = fc
    .tuple(
      fc.constantFrom('Category', 'Link', 'X-OCCI-Attribute', 'X-OCCI-Location', 'category', 'Other'),
      fc.array(
        fc.constantFrom(
          ';',
          ',',
          '"',
          '\\',
          '<',
          '>',
          '=',
          ' ',
          'a',
          'scheme',
          'class',
          'kind',
          '#',
          'http://a#',
        ),
      ),
    )
    .map(([name, parts]) => [name, parts.join('')] as const);

  it('text/plain', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(field).map((all) => all.map((one) => one.join(': ')).join('\n')),
        ),
        (body) => {
          const problem = outcome(() => plain(body));
          if (problem) expect(problem.details).toMatchObject({ line: aNumber, column: aNumber });
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['spaces', `${' '.repeat(250_000)}x`],
    ['braces', `Category: a; scheme="http://a#"; class=kind; attributes="${'a{'.repeat(120_000)}"`],
    ['quotes', `X-OCCI-Attribute: ${'a="'.repeat(80_000)}`],
    ['commas', `Category: ${','.repeat(250_000)};`],
  ])('text/plain with very many %s, without trying each of them anew', (_what, body) => {
    expect(outcome(() => plain(body))?.code).toBe('request.malformed');
  });

  it('text/occi', () => {
    fc.assert(
      fc.property(fc.array(field), (all) => {
        const problem = outcome(() => headers(...all.flat()));
        if (problem) expect(problem.details).toMatchObject({ header: aString, column: aNumber });
      }),
      { numRuns: 1_000 },
    );
  });

  it('application/occi+json', () => {
    const members = fc.constantFrom(
      'resources',
      'links',
      'kind',
      'attributes',
      'action',
      'mixins',
      '__proto__',
      'id',
    );
    const body = fc.oneof(fc.jsonValue(), fc.dictionary(members, fc.jsonValue()));
    fc.assert(
      fc.property(body, (given) => {
        const problem = outcome(() => json(given));
        if (problem)
          expect(problem.details).toMatchObject({
            errors: expect.arrayContaining([{ pointer: aString, message: aString }]) as unknown,
          });
      }),
      { numRuns: 1_000 },
    );
    const deep = `{"attributes":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`;
    expect(outcome(() => parsePayload('application/json', { body: deep, rawHeaders: [] }))?.code).toBe(
      'request.malformed',
    );
    expect(outcome(() => parsePayload('application/json', { body: '{', rawHeaders: [] }))?.code).toBe(
      'request.malformed',
    );
  });

  function outcome(parse: () => unknown): AppError | undefined {
    try {
      parse();
      return undefined;
    } catch (error) {
      if (error instanceof AppError && error.code === 'request.malformed') return error;
      throw error;
    }
  }
});

describe('the text renderings', () => {
  const compute = 'compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"';

  it('take values with commas between as they take repeated headers', () => {
    const repeated = headers('X-OCCI-Attribute', 'a.b=2', 'x-occi-attribute', 'a.c="x, y"');
    const joined = headers('X-OCCI-Attribute', 'a.b=2, a.c="x, y"');

    expect(joined).toEqual(repeated);
    expect(joined.entities[0]?.attributes).toEqual(
      new Map<string, OcciValue>([
        ['a.b', 2],
        ['a.c', 'x, y'],
      ]),
    );
  });

  it('do not end a quotation at a semicolon, a comma or an escaped quote', () => {
    const { entities } = plain(
      `Category: ${compute}; title="a; b, \\"c\\""\nX-OCCI-Attribute: occi.core.title="d; e, \\"f\\""`,
    );

    expect(entities[0]?.attributes.get('occi.core.title')).toBe('d; e, "f"');
  });

  it('take parameters in any order, a class without quotes, and a semicolon at the end', () => {
    const expected = identifierOf(computeKind);
    const lines = [
      'compute;class=kind;scheme="http://schemas.ogf.org/occi/infrastructure#"',
      `${compute};`,
      'compute ;  scheme = "http://schemas.ogf.org/occi/infrastructure#" ; class = kind ;',
    ];

    for (const line of lines) expect(plain(`CATEGORY:${line}`).entities[0]?.kind).toBe(expected);
  });

  it('tell numbers and truth values from text by the quotes', () => {
    const { entities } = headers(
      'X-OCCI-Attribute',
      'a.i=2, a.f=2.50, a.b=true, a.s="2", a.t="true", a.w=word;',
    );

    expect(Object.fromEntries(entities[0]?.attributes ?? [])).toEqual({
      ...{ 'a.i': 2, 'a.f': 2.5, 'a.b': true, 'a.s': '2', 'a.t': 'true', 'a.w': 'word' },
    });
  });

  it('take a link with its category unquoted, and tell it from an action', () => {
    const { entities } = plain(
      [
        'Link: </network/123>; rel="http://schemas.ogf.org/occi/infrastructure#network"; self="/link/4";' +
          ' category=http://schemas.ogf.org/occi/infrastructure#networkinterface; occi.networkinterface.interface="eth0"',
        'Link: </compute/1?action=start>; rel="http://schemas.ogf.org/occi/infrastructure/compute/action#start"',
      ].join('\r\n'),
    );

    expect(entities[0]?.links).toEqual([
      {
        target: '/network/123',
        rel: identifierOf(networkKind),
        self: '/link/4',
        kind: 'http://schemas.ogf.org/occi/infrastructure#networkinterface',
        mixins: [],
        attributes: new Map([['occi.networkinterface.interface', 'eth0']]),
      },
    ]);
    expect(entities[0]?.actions).toEqual(['http://schemas.ogf.org/occi/infrastructure/compute/action#start']);
  });

  it('take the call of an action with its arguments', () => {
    const { call, entities } = plain(
      'Category: stop; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"\n' +
        'X-OCCI-Attribute: method="graceful"',
    );

    expect(call).toEqual({
      action: 'http://schemas.ogf.org/occi/infrastructure/compute/action#stop',
      attributes: new Map([['method', 'graceful']]),
    });
    expect(entities).toEqual([]);
  });

  it.each([
    ['Category: compute', 1, 18, 'A category has a scheme, a URI that ends in #'],
    ['\nCategory: compute; scheme="http://a#', 2, 37, 'A quotation has no end'],
    ['X-OCCI-Attribute: a.b', 1, 19, 'A name and = are expected'],
    ['X-OCCI-Attribute: a.b=', 1, 23, 'A value is missing'],
    ['X-OCCI-Attribute: a..b=1', 1, 25, 'a..b is not the name of an attribute'],
    ['Link: /network/1', 1, 7, 'A link begins with <'],
    ['nonsense', 1, 1, 'No line of OCCI'],
  ])('say where %j is wrong', (body, ...[line, column, message]) => {
    const problem = problemOf(() => plain(body));

    expect({ ...problem.details, message: problem.message }).toEqual({ line, column, message });
  });
});

describe('the JSON rendering', () => {
  it('takes attributes flat and nested', () => {
    const flat = { 'occi.compute.cores': 2, 'occi.compute.memory': 4 };
    const nested = { occi: { compute: { cores: 2, memory: 4 } } };

    expect(json({ kind: 'k', attributes: nested })).toEqual(json({ kind: 'k', attributes: flat }));
  });

  it('takes the ends of a link as objects and as text', () => {
    const [source, target] = ['/compute/a', '/storage/b'];
    const asText = { links: [{ kind: 'k', source, target }] };
    const asObjects = {
      links: [{ kind: 'k', source: { location: source }, target: { location: target, kind: 'x' } }],
    };

    expect(json(asObjects)).toEqual(json(asText));
    expect(json(asText).entities[0]?.attributes).toEqual(
      new Map([
        ['occi.core.source', source],
        ['occi.core.target', target],
      ]),
    );
  });

  it('points at what it cannot read', () => {
    const problem = problemOf(() => json({ resources: [{ kind: 'k', attributes: { 'a/b': [] } }] }));

    expect(problem.details['errors']).toEqual([
      {
        pointer: '/resources/0/attributes/a~1b',
        message: 'a name of GFD.229 with a text, number or truth value',
      },
    ]);
  });

  it('takes the call of an action', () => {
    expect(json({ action: 'http://a#stop', attributes: { method: 'cold' } }).call).toEqual({
      action: 'http://a#stop',
      attributes: new Map([['method', 'cold']]),
    });
  });
});

describe('the choice of a rendering', () => {
  it.each([
    [undefined, 'text/plain'],
    ['*/*', 'text/plain'],
    ['text/*', 'text/plain'],
    ['text/occi', 'text/occi'],
    ['application/occi+json', 'application/occi+json'],
    ['application/json;q=0.9, text/plain;q=0.1', 'application/json'],
    ['text/plain;q=0, */*;q=0.1', 'text/occi'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'text/plain'],
    ['image/png', undefined],
    ['text/plain;q=nonsense', undefined],
  ])('for Accept: %s is %s', (accept, expected) => {
    expect(chooseMediaType(accept)).toBe(expected);
  });

  it('does not mind a charset', () => {
    expect(mediaTypeOf('Text/OCCI; charset=UTF-8')).toBe('text/occi');
    expect(mediaTypeOf('application/xml')).toBeUndefined();
  });
});

it('an abstract kind is told without a location', () => {
  const rendered = renderBody('text/plain', { what: 'categories', categories: [entityKind] }, place);

  expect(rendered.body).not.toContain('location=');
});
