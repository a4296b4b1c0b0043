import type { DeploymentInstruction, DeploymentPlan } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawPlan, instructionText } from './plan-layout.ts';

function instruction(id: string, waitsFor: readonly string[], node = 'viewer'): DeploymentInstruction {
  return { id, node, section: 'configuration', verb: 'start', arguments: [], waitsFor: [...waitsFor] };
}

function planOf(...nodes: (readonly DeploymentInstruction[])[]): DeploymentPlan {
  return {
    manifest: 'm',
    nodes: nodes.map((instructions, index) => ({
      ...{ node: `n${index}`, manifest: 'm', access: 'private', scope: 'normal', isShared: false },
      wishes: [],
      instructions: [...instructions],
    })),
    release: [],
  };
}

describe('drawPlan', () => {
  it('puts what waits to the right of what it waits for, node below node', () => {
    const { steps, lanes, columns, rows } = drawPlan(
      planOf(
        [instruction('a', []), instruction('b', ['a'])],
        [instruction('c', []), instruction('d', ['b', 'c'])],
      ),
    );

    expect(steps.map(({ id, column, row }) => [id, column, row])).toEqual([
      ['a', 0, 0],
      ['c', 0, 1],
      ['b', 1, 0],
      ['d', 2, 1],
    ]);
    expect(lanes).toEqual([
      { node: 'n0', row: 0, rows: 1 },
      { node: 'n1', row: 1, rows: 1 },
    ]);
    expect({ columns, rows }).toEqual({ columns: 3, rows: 2 });
  });

  it('draws no line that others say already', () => {
    const { lines } = drawPlan(
      planOf([instruction('a', []), instruction('b', ['a']), instruction('c', ['a', 'b', 'elsewhere'])]),
    );

    expect(lines).toEqual([
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
    ]);
  });

  it('never puts two into one place, and none left of what it waits for', () => {
    const graphs = fc.array(fc.array(fc.nat({ max: 20 }), { maxLength: 4 }), { maxLength: 25 });
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 3 }), (waits, lanes) => {
        const all = waits.map((numbers, index) =>
          instruction(
            `s${index}`,
            numbers.filter((number) => number < index).map((number) => `s${number}`),
          ),
        );
        const nodes = Array.from({ length: lanes }, (_none, lane) =>
          all.filter((_one, index) => index % lanes === lane),
        );
        const { steps } = drawPlan(planOf(...nodes));
        const columnOf = new Map(steps.map(({ id, column }) => [id, column]));
        expect(new Set(steps.map(({ column, row }) => `${column} ${row}`)).size).toBe(all.length);
        for (const { id, waitsFor } of steps)
          for (const other of waitsFor) expect(columnOf.get(other)).toBeLessThan(columnOf.get(id) ?? 0);
      }),
    );
  });

  it('ends even when things wait for each other', () => {
    expect(drawPlan(planOf([instruction('a', ['b']), instruction('b', ['a'])])).steps).toHaveLength(2);
    expect(drawPlan(planOf())).toMatchObject({ steps: [], columns: 0, rows: 0 });
  });
});

describe('instructionText', () => {
  it('reads as the manifest does', () => {
    const base = instruction('a', []);
    const property = { kind: 'property', node: 'store', property: 'files' } as const;
    expect(instructionText({ ...base, verb: 'configure', arguments: [property] })).toBe(
      'configure(store.files)',
    );
    expect(
      instructionText({
        ...base,
        verb: 'fork',
        arguments: [
          { kind: 'text', text: 'amide' },
          { kind: 'number', number: 2 },
        ],
      }),
    ).toBe("fork('amide', 2)");
    expect(
      instructionText({
        ...base,
        verb: 'assign',
        arguments: [
          { kind: 'text', text: 'size' },
          { ...property, node: '' },
        ],
      }),
    ).toBe('size = files');
  });
});
