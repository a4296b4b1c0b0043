import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readXml, writeXml, type NewElement, type XmlElement } from './index.ts';

const problemOf = (text: string, limits = {}): unknown => {
  const read = readXml(text, limits);
  return read.ok ? undefined : read.problem;
};

describe('readXml', () => {
  it('tells where each element begins, its namespace and its text', () => {
    const read = readXml(
      '<?xml version="1.0"?>\n<a xmlns="urn:one" xmlns:t="urn:two">\n  <t:b id="1" t:x="2">word<![CDATA[ <raw>]]></t:b>\n</a>',
    );

    expect(read.ok && read.root).toMatchObject({ name: 'a', namespace: 'urn:one', line: 2, column: 1 });
    const [child] = read.ok ? read.root.children : [];
    expect(child).toMatchObject({ name: 'b', namespace: 'urn:two', text: 'word <raw>', line: 3, column: 3 });
    expect([...(child?.attributes ?? [])]).toEqual([
      ['id', '1'],
      ['t:x', '2'],
    ]);
  });

  it.each([
    ['an end tag that does not fit', '<a>\n<b></a>', { line: 2 }],
    ['nothing', '', { line: 1, column: 1 }],
    ['a prefix that means nothing', '<a>\n  <p:b/>\n</a>', { line: 2 }],
    [
      'a document type',
      '<!DOCTYPE a [<!ENTITY x "y">]>\n<a/>',
      { message: 'A document type is not accepted' },
    ],
    ['an entity that nobody declared', '<a>&lol;</a>', { line: 1 }],
    ['two roots', '<a/>\n<b/>', { line: 2 }],
  ])('points at %s', (_what, text, expected) => {
    expect(problemOf(text)).toMatchObject(expected);
  });

  it('refuses what is too deep, too long, or too much', () => {
    expect(problemOf('<a>'.repeat(100_000))).toMatchObject({ message: 'Deeper than 64 elements' });
    expect(problemOf(`<a>${'<b/>'.repeat(20)}</a>`, { elements: 10 })).toMatchObject({
      message: 'More than 10 elements',
    });
    expect(problemOf('<a/>', { characters: 3 })).toMatchObject({ message: 'Longer than 3 characters' });
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), nearlyXml), (text) => {
        const read = readXml(text);
        if (!read.ok) expect(read.problem.line).toBeGreaterThan(0);
      }),
    );
  });
});

const nearlyXml = fc
  .array(
    fc.constantFrom('<a', '>', '</a>', '<b c="', '"', '&amp;', '&#', '<!--', '-->', ']]>', '<?', ' ', 'x'),
  )
  .map((parts) => parts.join(''));

const names = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const words = fc.string({ unit: 'grapheme' }).filter((text) => text.trim() === text);
const attributes = fc.dictionary(names, fc.string({ unit: 'grapheme' }), { maxKeys: 3 });
const tree: fc.Arbitrary<NewElement> = fc.letrec<{ tree: NewElement }>((tie) => ({
  tree: fc.record({
    name: names,
    attributes,
    children: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'tree' },
      fc.constant<NewElement[]>([]),
      fc.array(tie('tree'), { maxLength: 3, depthIdentifier: 'tree' }),
    ),
  }),
})).tree;

describe('writeXml', () => {
  it('writes what reads back the same', () => {
    const plain = ({ name, attributes, children }: XmlElement): NewElement => ({
      name,
      attributes: Object.fromEntries(attributes),
      children: children.map(plain),
    });
    fc.assert(
      fc.property(tree, (root) => {
        const read = readXml(writeXml(root));

        expect(read.ok && plain(read.root)).toEqual({ ...root, attributes: { ...root.attributes } });
      }),
    );
    fc.assert(
      fc.property(words, (text) => {
        const read = readXml(writeXml({ name: 'a', text }));

        expect(read.ok && read.root.text).toBe(text);
      }),
    );
  });
});
