import { manifestSchema, type Manifest } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderNodes, parseCordscript, sortByNeed, stepsOf } from './index.ts';

const problemOf = (expression: string): unknown => {
  const parsed = parseCordscript(expression);
  return parsed.ok ? undefined : parsed.problem;
};

/** A manifest with these nodes and these configuration actions. */
function manifestWith(nodes: readonly string[], expressions: readonly string[]): Manifest {
  return manifestSchema.parse({
    name: 'test',
    nodes: nodes.map((name) => ({ name })),
    configuration: { actions: expressions.map((expression) => ({ expression })) },
  });
}

describe('parseCordscript', () => {
  it('reads statements with texts, numbers and properties', () => {
    expect(
      parseCordscript(
        `viewer.configure(store.dicomweb);\nviewer.fork('aeskulap', "{firstFile}"); gate.iface('it''s', 104);`.replace(
          "'it''s'",
          String.raw`'it\'s'`,
        ),
      ),
    ).toEqual({
      ok: true,
      statements: [
        {
          kind: 'call',
          target: ['viewer'],
          verb: 'configure',
          args: [{ kind: 'property', path: ['store', 'dicomweb'] }],
          line: 1,
          column: 1,
        },
        {
          kind: 'call',
          target: ['viewer'],
          verb: 'fork',
          args: [
            { kind: 'text', text: 'aeskulap' },
            { kind: 'text', text: '{firstFile}' },
          ],
          line: 2,
          column: 1,
        },
        {
          kind: 'call',
          target: ['gate'],
          verb: 'iface',
          args: [
            { kind: 'text', text: "it's" },
            { kind: 'number', number: 104 },
          ],
          line: 2,
          column: 41,
        },
      ],
    });
  });

  it.each([
    ["a.command('ls')", 'system'],
    ["a.process('top')", 'fork'],
    ["accords:publisher.publisher.kill('x')", 'kill'],
    ['cordscript: a.start();', 'start'],
    ['packet.consume()', 'consume'],
    ['alert.new();', 'new'],
    ['session.migrate()', 'migrate'],
    ['service.scaleup()', 'scaleup'],
    ['placement.retry()', 'retry'],
    ['credit(5)', 'credit'],
    ['credit(agreement.price)', 'credit'],
    ['a.monitor(sla.frame_latency)', 'monitor'],
  ])('reads %s', (expression, verb) => {
    expect(parseCordscript(expression)).toMatchObject({ ok: true, statements: [{ kind: 'call', verb }] });
  });

  it('reads the setting of an attribute', () => {
    expect(parseCordscript("node.zone = 'europe'")).toMatchObject({
      ok: true,
      statements: [{ kind: 'assign', target: ['node', 'zone'], value: { kind: 'text', text: 'europe' } }],
    });
  });

  it.each([
    ['an unknown action', 'a.start();\n b.explode();', 2, 2, 'There is no action explode'],
    ['a name of every object', 'a.constructor()', 1, 1, 'There is no action constructor'],
    ['a thing of every object', '__proto__.new()', 1, 1, 'new cannot be done to __proto__'],
    ['an unknown property', 'a.configure(b.password)', 1, 1, /^There is no property password/],
    ['a bare word', 'a.kill(aeskulap)', 1, 8, 'aeskulap is not a property: a text needs quotes'],
    ['a text without end', "a.system('ls)", 1, 10, 'This text has no end'],
    ['too few arguments', 'a.kill()', 1, 1, 'kill takes 1 argument, not 0'],
    ['too many arguments', "a.start('now')", 1, 1, 'start takes no argument, not 1'],
    ['a property as a command', 'a.system(b.hostname)', 1, 1, 'system takes no property'],
    ['no node', "system('ls')", 1, 1, 'system needs a node in front'],
    ['a thing that cannot', 'packet.new()', 1, 1, 'new cannot be done to packet'],
    ['statements that run into each other', 'a.start() b.start()', 1, 11, 'Expected ";", found "b"'],
    ['an operator', 'a.start() + 1', 1, 11, '"+" means nothing here'],
    ['code in a value', 'a.zone = (1)', 1, 10, 'Expected a value, found "("'],
    ['no end', 'a.kill(', 1, 8, 'Expected a value, found the end'],
  ])('refuses %s, with the place', (...[, expression, line, column, message]) => {
    expect(problemOf(expression)).toEqual({
      line,
      column,
      message: typeof message === 'string' ? message : (expect.stringMatching(message) as unknown),
    });
  });

  it('never throws, whatever it is given', () => {
    const parts = fc.constantFrom(
      'a',
      '.',
      'start',
      '(',
      ')',
      "'",
      '"',
      ';',
      ',',
      '=',
      '1',
      ' ',
      '\n',
      '\\',
      'configure',
      'credit',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(parts).map((all) => all.join('')),
        ),
        (text) => {
          const parsed = parseCordscript(text);
          if (!parsed.ok) expect(parsed.problem.column).toBeGreaterThan(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('keeps a text as it was said, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const quoted = `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

        expect(parseCordscript(`a.system(${quoted});`)).toMatchObject({
          ok: true,
          statements: [{ args: [{ kind: 'text', text }] }],
        });
      }),
    );
  });
});

describe('stepsOf', () => {
  it('names the action of what it cannot read and of a node that is not there', () => {
    const { steps, problems } = stepsOf(
      manifestWith(['a'], ['a.start();', 'a.jump();', 'a.configure(b.hostname)', 'a.monitor(sla.latency)']),
    );

    expect(steps.map(({ pointer }) => pointer)).toEqual([
      '/configuration/actions/0',
      '/configuration/actions/2',
      '/configuration/actions/3',
    ]);
    expect(problems).toEqual([
      {
        pointer: '/configuration/actions/1',
        message: 'Line 1, column 1 of the expression: There is no action jump',
      },
      { pointer: '/configuration/actions/2', message: 'There is no node b' },
    ]);
  });
});

describe('orderNodes', () => {
  it('puts what is needed first, and keeps the order of the document otherwise', () => {
    const manifest = manifestWith(
      ['web', 'database', 'cache', 'log'],
      ['web.configure(database.hostname); web.configure(cache.hostname);', 'cache.configure(log.hostname);'],
    );

    expect(orderNodes(manifest)).toEqual({ ok: true, order: ['database', 'log', 'cache', 'web'] });
  });

  it('refuses a cycle and names it', () => {
    const manifest = manifestWith(
      ['x', 'a', 'b', 'c'],
      [
        'x.configure(a.hostname); a.configure(b.hostname);',
        'b.configure(c.hostname);',
        'c.configure(a.hostname);',
      ],
    );

    expect(orderNodes(manifest)).toEqual({ ok: false, cycle: ['a', 'b', 'c', 'a'] });
  });

  it('finds an order exactly when there is one: each node after its needs, or a real cycle', () => {
    const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 14 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const names = 'a b c d e f g h'.split(' ');
        const needs = new Map(names.map((name) => [name, new Set<string>()]));
        for (const [from, to] of pairs) if (from !== to) needs.get(names[from] ?? '')?.add(names[to] ?? '');

        const sorted = sortByNeed(names, needs);

        if (sorted.ok) {
          expect([...sorted.order].sort()).toEqual(names);
          for (const [name, all] of needs)
            for (const need of all)
              expect(sorted.order.indexOf(need)).toBeLessThan(sorted.order.indexOf(name));
        } else {
          expect(sorted.cycle.at(0)).toBe(sorted.cycle.at(-1));
          sorted.cycle
            .slice(1)
            .forEach((need, index) => expect(needs.get(sorted.cycle[index] ?? '')).toContain(need));
        }
      }),
    );
  });

  it('orders a chain of a thousand', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `n${index}`);
    const needs = new Map(names.map((name, index) => [name, new Set(names.slice(index + 1, index + 2))]));

    expect(sortByNeed(names, needs)).toEqual({ ok: true, order: [...names].reverse() });
  });
});
