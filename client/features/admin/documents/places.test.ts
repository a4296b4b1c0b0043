import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonPlaces } from './json-places.ts';
import { jsonSyntaxFault } from './json-syntax.ts';
import { located, offsetOf, placeOf, syntaxProblem } from './places.ts';

const nowhere = { severity: 'error', line: null, column: null, message: 'wrong' } as const;

describe('places in a text', () => {
  it('lead from offsets to lines and columns and back', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.nat(), (lines, seed) => {
        const text = lines.join('\n');
        const offset = seed % (text.length + 1);
        expect(offsetOf(text, placeOf(text, offset))).toBe(offset);
      }),
    );
  });

  it.each([
    [{ line: 1, column: 1 }, 0],
    [{ line: 2, column: 2 }, 4],
    [{ line: 1, column: 99 }, 2],
    [{ line: 99, column: 1 }, 5],
  ])('that are not there are the nearest ones: %j', (place, offset) => {
    expect(offsetOf('ab\ncd', place)).toBe(offset);
  });
});

describe('jsonPlaces', () => {
  it('finds each member by its name and each item by its beginning', () => {
    const text = '{"a": [1, {"b/c": "}"}],\n "d": null}';

    const places = Object.fromEntries(jsonPlaces(text));

    expect(places).toEqual({
      '': 0,
      '/a': text.indexOf('"a"'),
      '/a/0': text.indexOf('1'),
      '/a/1': text.indexOf('{"b'),
      '/a/1/b~1c': text.indexOf('"b/c"'),
      '/d': text.indexOf('"d"'),
    });
  });

  it('has a place for every part of whatever JSON there is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const places = jsonPlaces(JSON.stringify(value, null, 1));
        expect([...places.keys()].toSorted()).toEqual([...new Set(pointersOf(value))].toSorted());
      }),
    );
  });

  it('takes a text that is nested without end, and one that is no JSON', () => {
    expect(jsonPlaces(`${'['.repeat(5_000)}${']'.repeat(5_000)}`).size).toBe(100);
    expect(jsonPlaces('{"a":').size).toBe(0);
  });
});

describe('located', () => {
  it('puts a problem of JSON at its pointer, or at the part around it', () => {
    const text = '{\n "terms": {\n  "kind": "All"\n }\n}';

    const [kind, missing, whole] = located(text, [
      { ...nowhere, pointer: '/terms/kind' },
      { ...nowhere, pointer: '/terms/terms/0' },
      { ...nowhere, pointer: '/context' },
    ]);

    expect(kind).toMatchObject({ line: 3, column: 3 });
    expect(missing).toMatchObject({ line: 2, column: 2 });
    expect(whole).toMatchObject({ line: 1, column: 1 });
  });

  it('puts what is told of a term at its name, in XML and in JSON', () => {
    const [inXml] = located('<a>\n <b wsag:Name="x.y"/></a>', [{ ...nowhere, pointer: 'x.y' }]);
    const [inJson] = located('{"terms":[\n{"name": "x.y"}]}', [{ ...nowhere, pointer: 'x.y' }]);
    const [nobody] = located('<a/>', [{ ...nowhere, pointer: 'x(y' }]);

    expect(inXml).toMatchObject({ line: 2 });
    expect(inJson).toMatchObject({ line: 2, column: 3 });
    expect(nobody).toMatchObject({ line: null });
  });

  it('leaves alone what has a place', () => {
    const problem = { ...nowhere, line: 7, column: 8, pointer: '/a' };
    expect(located('{"a":1}', [problem])).toEqual([problem]);
  });
});

describe('jsonSyntaxFault', () => {
  it('finds fault with what the browser finds fault with, and with nothing else', () => {
    const pieces = ['{', '}', '[', ']', ',', ':', '"a"', '1', 'true', ' ', String.raw`"\x"`, '01', 'nul'];
    const nearly = fc.array(fc.constantFrom(...pieces), { maxLength: 9 }).map((list) => list.join(''));
    const cut = fc.tuple(fc.json(), fc.nat()).map(([text, seed]) => text.slice(0, seed % (text.length + 1)));
    fc.assert(
      fc.property(fc.oneof(nearly, cut, fc.json()), (text) => {
        expect(jsonSyntaxFault(text) === undefined).toBe(isJson(text));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('syntaxProblem', () => {
  it.each([
    ['{\n "a": 1,\n}', 3],
    ['{\n "a": 1', 2],
    ['[1,\n2,,\n3]', 2],
  ])('says in which line JSON breaks off: %j', (text, line) => {
    expect(syntaxProblem(text)).toMatchObject({ severity: 'error', line });
  });

  it('leaves XML and good JSON to the broker', () => {
    expect(syntaxProblem('<a')).toBeUndefined();
    expect(syntaxProblem('{"a":[1]}')).toBeUndefined();
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function pointersOf(value: unknown, pointer = ''): string[] {
  if (typeof value !== 'object' || value === null) return [pointer];
  const parts = Object.entries(value).flatMap(([name, part]) =>
    pointersOf(part, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
  return [pointer, ...parts];
}
