import { Group, Paper, Table, Text, ThemeIcon } from '@mantine/core';
import type { DeviceReport } from '@medusa/protocol';
import { IconAlertTriangle, IconCheck, IconMinus, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';

const text = strings.device;

const outcomeLook = {
  pass: { colour: 'teal', icon: <IconCheck size={14} /> },
  warn: { colour: 'yellow', icon: <IconAlertTriangle size={14} /> },
  fail: { colour: 'red', icon: <IconX size={14} /> },
  skipped: { colour: 'gray', icon: <IconMinus size={14} /> },
} as const;

const verdictLook = { production: 'pass', demo: 'warn', refused: 'fail' } as const;

/** The verdict, and each requirement with what was measured and what it means. */
export function DeviceReportView({ report }: { report: DeviceReport }): ReactNode {
  const look = outcomeLook[verdictLook[report.verdict]];
  const failures = report.items.filter(({ outcome }) => outcome === 'fail');
  return (
    <>
      <Paper bg="var(--medusa-surface)" p="lg" withBorder>
        <Group gap="md" wrap="nowrap" data-testid="device-verdict" data-verdict={report.verdict}>
          <ThemeIcon size={40} radius="xl" variant="light" color={look.colour}>
            {look.icon}
          </ThemeIcon>
          <div>
            <Text size="lg" fw={600}>
              {text.verdicts[report.verdict]}
            </Text>
            <Text c="dimmed" size="sm">
              {text.verdictHelp[report.verdict]}
            </Text>
            {failures.map(({ id, help }) => (
              <Text key={id} size="sm" mt={4}>
                {help}
              </Text>
            ))}
          </div>
        </Group>
      </Paper>
      <Table className="device-table" verticalSpacing="xs" aria-label={text.title}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={28} aria-label={text.title} />
            <Table.Th>{text.columns.item}</Table.Th>
            <Table.Th>{text.columns.measured}</Table.Th>
            <Table.Th>{text.columns.help}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {report.items.map((item) => (
            <Table.Tr key={item.id} data-testid={`device-item-${item.id}`} data-outcome={item.outcome}>
              <Table.Td>
                <ThemeIcon
                  size={22}
                  radius="xl"
                  variant="light"
                  color={outcomeLook[item.outcome].colour}
                  role="img"
                  aria-label={text.outcomes[item.outcome]}
                >
                  {outcomeLook[item.outcome].icon}
                </ThemeIcon>
              </Table.Td>
              <Table.Td>{item.title}</Table.Td>
              <Table.Td className="medusa-numeric" maw={300}>
                <Text size="sm" truncate title={item.measured}>
                  {item.measured}
                </Text>
              </Table.Td>
              <Table.Td c="dimmed">{item.help}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}
