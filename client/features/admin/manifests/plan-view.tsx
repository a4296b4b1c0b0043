import { List, Paper, Stack, Table, Text } from '@mantine/core';
import type { DeploymentPlan, MachineFit, ManifestCheck } from '@medusa/protocol';
import { useMemo, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { PlanGraph } from './plan-graph.tsx';
import { drawPlan, instructionText, type PlanStep } from './plan-layout.ts';

const text = strings.manifests;

/** How a manifest would be deployed, drawn and in words, and how it would be released. */
export function PlanView({ plan, fit }: Pick<ManifestCheck, 'plan' | 'fit'>): ReactNode {
  return (
    <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.plan}>
      <Stack gap="sm" data-testid="manifest-plan">
        <div>
          <Text fw={600}>{text.plan}</Text>
          <Text size="xs" c="dimmed">
            {plan ? text.planHelp : text.noPlan}
          </Text>
        </div>
        {plan && <Plan plan={plan} fit={fit} />}
      </Stack>
    </Paper>
  );
}

function Plan({ plan, fit }: { plan: DeploymentPlan; fit: readonly MachineFit[] | null }): ReactNode {
  const drawing = useMemo(() => drawPlan(plan), [plan]);
  if (drawing.steps.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {text.emptyPlan}
      </Text>
    );
  return (
    <>
      <PlanGraph drawing={drawing} />
      <Steps steps={drawing.steps} fit={fit} />
      <Release plan={plan} />
    </>
  );
}

function Steps({ steps, fit }: { steps: readonly PlanStep[]; fit: readonly MachineFit[] | null }): ReactNode {
  const titles = new Map(
    steps.map(({ id, node, kind, title }) => [id, kind === 'instruction' ? `${node}: ${title}` : title]),
  );
  const fits = new Map((fit ?? []).map((one) => [String(one.id), one]));
  return (
    <Table fz="sm" verticalSpacing={4} aria-label={text.order} data-testid="plan-steps">
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={34}>#</Table.Th>
          <Table.Th>{text.what}</Table.Th>
          <Table.Th>{text.node}</Table.Th>
          <Table.Th>{text.waitsFor}</Table.Th>
          {fit && <Table.Th>{text.fit}</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {steps.map(({ id, kind, title, node, waitsFor }, index) => (
          <Table.Tr key={id}>
            <Table.Td c="dimmed" className="medusa-numeric">
              {index + 1}
            </Table.Td>
            <Table.Td>
              <Text span size="xs" c="dimmed">
                {kind}{' '}
              </Text>
              {title}
            </Table.Td>
            <Table.Td>{node}</Table.Td>
            <Table.Td c="dimmed">
              {waitsFor.length === 0
                ? text.waitsForNothing
                : waitsFor.map((other) => titles.get(other) ?? other).join(', ')}
            </Table.Td>
            {fit && (
              <Table.Td>
                <Fit fit={fits.get(id)} />
              </Table.Td>
            )}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Fit({ fit }: { fit: MachineFit | undefined }): ReactNode {
  if (!fit) return null;
  const { size, image, reason } = fit;
  const isFitting = size !== null && image !== null;
  return (
    <>
      <Text size="sm" c={isFitting ? 'teal.4' : 'yellow.4'}>
        {isFitting ? text.fits(size, image) : text.unfit}
      </Text>
      {reason !== '' && (
        <Text size="xs" c="dimmed">
          {reason}
        </Text>
      )}
    </>
  );
}

function Release({ plan: { release, nodes } }: { plan: DeploymentPlan }): ReactNode {
  const shared = new Set(nodes.filter(({ isShared }) => isShared).map(({ node }) => node));
  return (
    <div>
      <Text fw={600}>{text.release}</Text>
      <Text size="xs" c="dimmed" mb={4}>
        {text.releaseHelp}
      </Text>
      <List type="ordered" size="sm" data-testid="plan-release">
        {release.map(({ node, instructions, resources }) => (
          <List.Item key={node}>
            <strong>{node}</strong>: {instructions.map(instructionText).join(', ')}{' '}
            {resources.length > 0 && text.resources(resources.join(', '))}{' '}
            {shared.has(node) && (
              <Text span size="xs" c="dimmed">
                ({text.shared})
              </Text>
            )}
          </List.Item>
        ))}
      </List>
    </div>
  );
}
