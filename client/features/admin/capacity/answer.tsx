import { Alert, Stack, Table, Text } from '@mantine/core';
import type { Replay, WhatIfAnswer } from '@medusa/protocol';
import { useMemo, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { CurveChart, type Curve } from './curve-chart.tsx';

const text = strings.capacity;
const colours = { replay: '#4fb9bd', erlangC: '#c9a15f', erlangB: '#7f93c9', promise: '#94a0ac' };

/** The load in words, the curves over the number of nodes, and the figures. */
export function WhatIfFigures({
  answer,
  promiseSeconds,
}: {
  answer: WhatIfAnswer;
  promiseSeconds: number;
}): ReactNode {
  const { load, suggestedNodes } = answer;
  return (
    <Stack gap="md" data-testid="what-if-answer">
      {load.arrivals === 0 && (
        <Alert color="yellow" variant="light">
          {text.nothing}
        </Alert>
      )}
      <div>
        <Text size="sm">{text.load(load.arrivals, load.hours, load.meanHoldSeconds / 60)}</Text>
        <Text size="sm" c="dimmed">
          {text.erlangs(load.erlangs, load.peakErlangs)}
        </Text>
        <Text size="sm" fw={600} data-testid="what-if-suggestion">
          {suggestedNodes === null ? text.notSuggested : text.suggested(suggestedNodes)}
        </Text>
      </div>
      <Curves answer={answer} promiseSeconds={promiseSeconds} />
      <Figures answer={answer} />
    </Stack>
  );
}

function Curves({
  answer: { points },
  promiseSeconds,
}: {
  answer: WhatIfAnswer;
  promiseSeconds: number;
}): ReactNode {
  const xs = useMemo(() => points.map(({ nodes }) => nodes), [points]);
  const [delayed, waits, use, cost] = useMemo(
    () => curvesOf(points, promiseSeconds),
    [points, promiseSeconds],
  );
  // A queue that grows for days would hide where the promise is kept.
  const longestShown = Math.max(600, promiseSeconds * 10);
  return (
    <div className="admin-charts">
      <CurveChart title={text.charts.delayed} xLabel={text.perNodes} xs={xs} curves={delayed} atMost={110} />
      <CurveChart
        title={text.charts.wait}
        xLabel={text.perNodes}
        xs={xs}
        curves={waits}
        atMost={longestShown}
      />
      <CurveChart title={text.charts.use} xLabel={text.perNodes} xs={xs} curves={use} atMost={110} />
      <CurveChart
        title={text.charts.cost}
        xLabel={text.perNodes}
        xs={xs}
        curves={cost}
        atMost={Number.POSITIVE_INFINITY}
      />
    </div>
  );
}

/** Of the share that waits, the waits, the use and the cost, over the numbers of nodes. */
function curvesOf(
  points: WhatIfAnswer['points'],
  promiseSeconds: number,
): readonly [Curve[], Curve[], Curve[], Curve[]] {
  const curve = (name: keyof typeof colours, values: Curve['values']): Curve => ({
    ...{ label: text.lines[name], colour: colours[name], isDashed: name !== 'replay', values },
  });
  return [
    [
      curve(
        'replay',
        points.map(({ replay }) => replay.delayed * 100),
      ),
      curve(
        'erlangC',
        points.map(({ erlangC }) => erlangC * 100),
      ),
      curve(
        'erlangB',
        points.map(({ erlangB }) => erlangB * 100),
      ),
    ],
    [
      curve(
        'replay',
        points.map(({ replay }) => replay.waitP95),
      ),
      curve(
        'erlangC',
        points.map(({ erlangWaitP95 }) => erlangWaitP95),
      ),
      curve(
        'promise',
        points.map(() => promiseSeconds),
      ),
    ],
    [
      curve(
        'replay',
        points.map(({ replay }) => replay.utilisation * 100),
      ),
    ],
    [
      curve(
        'replay',
        points.map(({ replay }) => replay.cost),
      ),
    ],
  ];
}

function Figures({ answer: { points, scheduled, suggestedNodes } }: { answer: WhatIfAnswer }): ReactNode {
  const heads = Object.entries(text.table).filter(([name]) => name !== 'title');
  return (
    <Table
      fz="xs"
      verticalSpacing={3}
      aria-label={text.table.title}
      className="medusa-numeric"
      data-testid="what-if-figures"
    >
      <Table.Thead>
        <Table.Tr>
          {heads.map(([name, label]) => (
            <Table.Th key={name} ta="right">
              {label}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {points.map(({ nodes, slots, erlangB, erlangC, replay }) => (
          <Table.Tr
            key={nodes}
            {...(nodes === suggestedNodes ? { bg: 'var(--mantine-color-teal-light)' } : {})}
          >
            <Row
              cells={[
                String(nodes),
                String(slots),
                text.percent(erlangB),
                text.percent(erlangC),
                ...cellsOf(replay),
              ]}
            />
          </Table.Tr>
        ))}
        <Table.Tr data-testid="what-if-scheduled">
          <Row cells={[text.scheduled, '', '', '', ...cellsOf(scheduled.replay)]} />
        </Table.Tr>
      </Table.Tbody>
    </Table>
  );
}

function Row({ cells }: { cells: readonly string[] }): ReactNode {
  return cells.map((cell, index) => (
    <Table.Td key={`${index} ${cell}`} ta="right">
      {cell}
    </Table.Td>
  ));
}

function cellsOf({
  delayed,
  waitP50,
  waitP95,
  utilisation,
  nodeHours,
  cost,
  breaches,
  interrupted,
}: Replay): string[] {
  return [
    ...[text.percent(delayed), text.wait(waitP50), text.wait(waitP95), text.percent(utilisation)],
    ...[nodeHours.toFixed(0), cost.toFixed(2), String(breaches), String(interrupted)],
  ];
}
