import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import type { PlanDrawing, PlanStep } from './plan-layout.ts';
import './manifests.css';

const text = strings.manifests;
/** In px. */
const box = { width: 176, height: 38, gapX: 44, gapY: 12, left: 110, top: 8 };
const mostLetters = 25;

/** What waits for what: boxes in columns, nodes as lanes. The table beside it says the same in words. */
export function PlanGraph({ drawing }: { drawing: PlanDrawing }): ReactNode {
  const { steps, lines, lanes, columns, rows } = drawing;
  const places = new Map(steps.map((step) => [step.id, cornerOf(step)]));
  const width = box.left + columns * (box.width + box.gapX);
  const height = box.top * 2 + rows * (box.height + box.gapY);
  return (
    <div className="plan-graph">
      <svg width={width} height={height} role="img" aria-label={text.planHelp} data-testid="plan-graph">
        {lanes.map(({ node, row, rows: high }, index) => (
          <g key={node}>
            <rect
              className="plan-lane"
              {...{ x: 0, y: yOf(row) - box.gapY / 2, width, height: high * (box.height + box.gapY) }}
              data-odd={index % 2 === 1}
            />
            <text className="plan-node" x={10} y={yOf(row) + box.height / 2 + 4}>
              {shortened(node, 14)}
              <title>{node}</title>
            </text>
          </g>
        ))}
        {lines.map(({ from, to }) => (
          <path key={`${from} ${to}`} className="plan-line" d={curve(places.get(from), places.get(to))} />
        ))}
        {steps.map((step) => (
          <Box key={step.id} step={step} />
        ))}
      </svg>
    </div>
  );
}

function Box({ step }: { step: PlanStep }): ReactNode {
  const { x, y } = cornerOf(step);
  return (
    <g data-testid="plan-box" data-id={step.id}>
      <title>{step.title}</title>
      <rect
        className="plan-box"
        {...{ x, y, width: box.width, height: box.height, rx: 5 }}
        data-kind={step.kind}
      />
      <text className="plan-kind" x={x + 9} y={y + 14}>
        {step.kind}
      </text>
      <text className="plan-title" x={x + 9} y={y + 29}>
        {shortened(step.title, mostLetters)}
      </text>
    </g>
  );
}

type Corner = { readonly x: number; readonly y: number };

function cornerOf({ column, row }: PlanStep): Corner {
  return { x: box.left + column * (box.width + box.gapX), y: yOf(row) };
}

function yOf(row: number): number {
  return box.top + box.gapY / 2 + row * (box.height + box.gapY);
}

function curve(from: Corner = { x: 0, y: 0 }, to: Corner = { x: 0, y: 0 }): string {
  const [x1, y1, x2, y2] = [from.x + box.width, from.y + box.height / 2, to.x, to.y + box.height / 2];
  const bend = Math.max(20, Math.min(60, (x2 - x1) / 2));
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function shortened(words: string, most: number): string {
  return words.length > most ? `${words.slice(0, most - 1)}…` : words;
}
