import type { DeploymentInstruction, DeploymentPlan } from '@medusa/protocol';

/** One thing that is made or done, and its place in the drawing: columns wait for columns to the left, lanes are nodes. */
export type PlanStep = {
  readonly id: string;
  readonly node: string;
  readonly kind: 'machine' | 'network' | 'volume' | 'security-group' | 'instruction';
  readonly title: string;
  readonly waitsFor: readonly string[];
  readonly column: number;
  /** From the top of the whole drawing. */
  readonly row: number;
};

type PlanLane = { readonly node: string; readonly row: number; readonly rows: number };

export type PlanDrawing = {
  /** In an order in which they could be done one after the other. */
  readonly steps: readonly PlanStep[];
  /** Only what is not said by others: no line from the first to the third when both lead over the second. */
  readonly lines: readonly { readonly from: string; readonly to: string }[];
  readonly lanes: readonly PlanLane[];
  readonly columns: number;
  readonly rows: number;
};

type Loose = Omit<PlanStep, 'column' | 'row'>;

/** Where each part of a plan is drawn. */
export function drawPlan(plan: DeploymentPlan): PlanDrawing {
  const loose = plan.nodes.flatMap(stepsOf);
  const columns = columnsOf(loose);
  const lanes: PlanLane[] = [];
  const rows = new Map<string, number>();
  let top = 0;
  for (const node of new Set(loose.map((step) => step.node))) {
    const height = fillLane(
      loose.filter((step) => step.node === node),
      { columns, rows, top },
    );
    lanes.push({ node, row: top, rows: height });
    top += height;
  }
  const steps = loose
    .map((step) => ({ ...step, column: columns.get(step.id) ?? 0, row: rows.get(step.id) ?? 0 }))
    .toSorted((a, b) => a.column - b.column || a.row - b.row);
  const width = Math.max(0, ...columns.values()) + (steps.length === 0 ? 0 : 1);
  return { steps, lines: linesOf(steps), lanes, columns: width, rows: top };
}

function stepsOf({ node, wishes, instructions }: DeploymentPlan['nodes'][number]): readonly Loose[] {
  return [
    ...wishes.map(({ id, spec, waitsFor }) => ({ id, node, kind: spec.kind, title: id, waitsFor })),
    ...instructions.map((instruction) => ({
      ...{ id: instruction.id, node, kind: 'instruction' as const },
      ...{ title: instructionText(instruction), waitsFor: instruction.waitsFor },
    })),
  ];
}

/** The longest way from the beginning. A wait for what is not in the plan, or for itself, is no wait. */
function columnsOf(steps: readonly Loose[]): ReadonlyMap<string, number> {
  const known = new Map(steps.map((step) => [step.id, step]));
  const columns = new Map<string, number>();
  const columnOf = (id: string): number => {
    const found = columns.get(id);
    if (found !== undefined) return found;
    columns.set(id, 0);
    const before = (known.get(id)?.waitsFor ?? []).filter((other) => known.has(other));
    const column = Math.max(-1, ...before.map(columnOf)) + 1;
    columns.set(id, column);
    return column;
  };
  for (const { id } of steps) columnOf(id);
  return columns;
}

type Lane = {
  readonly columns: ReadonlyMap<string, number>;
  readonly rows: Map<string, number>;
  readonly top: number;
};

/** Below each other in a column; answers how many rows that takes. */
function fillLane(steps: readonly Loose[], { columns, rows, top }: Lane): number {
  const used = new Map<number, number>();
  for (const { id } of steps) {
    const column = columns.get(id) ?? 0;
    const row = used.get(column) ?? 0;
    rows.set(id, top + row);
    used.set(column, row + 1);
  }
  return Math.max(1, ...used.values());
}

function linesOf(steps: readonly PlanStep[]): PlanDrawing['lines'] {
  const before = new Map<string, Set<string>>();
  const lines: { from: string; to: string }[] = [];
  for (const { id, waitsFor } of steps) {
    const direct = waitsFor.filter((from) => before.has(from));
    const over = new Set(direct.flatMap((from) => [...(before.get(from) ?? [])]));
    before.set(id, new Set([...direct, ...over]));
    for (const from of direct) if (!over.has(from)) lines.push({ from, to: id });
  }
  return lines;
}

/** As the manifest has it, without the node: `configure(store.dicomweb)`. */
export function instructionText({ verb, arguments: given }: DeploymentInstruction): string {
  const words = given.map((argument) => {
    if (argument.kind === 'number') return String(argument.number);
    if (argument.kind === 'text') return verb === 'assign' ? argument.text : `'${argument.text}'`;
    return argument.node === '' ? argument.property : `${argument.node}.${argument.property}`;
  });
  return verb === 'assign' ? words.join(' = ') : `${verb}(${words.join(', ')})`;
}
