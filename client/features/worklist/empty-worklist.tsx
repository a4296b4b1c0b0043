import { Button, Code, Group, Paper, Stack, Text } from '@mantine/core';
import { IconStackPush } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { PublicConfig } from '../../core/public-config.ts';
import { strings } from '../../strings/en.ts';

const text = strings.worklist;

/** Nothing has arrived yet: how to make something arrive. */
export function EmptyWorklist({ dicom }: { dicom: PublicConfig['dicom'] }): ReactNode {
  return (
    <Paper bg="var(--medusa-surface)" withBorder p={48} data-testid="worklist-empty">
      <Stack align="center" gap="sm">
        <IconStackPush size={36} stroke={1.4} color="var(--mantine-color-teal-4)" aria-hidden />
        <Text size="lg" fw={600}>
          {text.empty}
        </Text>
        <Text c="dimmed">{text.emptyHelp}</Text>
        {dicom && (
          <Group gap="xl" mt="sm">
            <Fact name={text.aeTitle} value={dicom.aeTitle} />
            <Fact name={text.host} value={dicom.host} />
            <Fact name={text.port} value={String(dicom.port)} />
          </Group>
        )}
      </Stack>
    </Paper>
  );
}

export function NoMatch({ clear }: { clear: () => void }): ReactNode {
  return (
    <Paper bg="var(--medusa-surface)" withBorder p={40} data-testid="worklist-no-match">
      <Stack align="center" gap="xs">
        <Text fw={600}>{text.noMatch}</Text>
        <Text c="dimmed">{text.noMatchHelp}</Text>
        <Button variant="default" size="xs" onClick={clear}>
          {text.clear}
        </Button>
      </Stack>
    </Paper>
  );
}

function Fact({ name, value }: { name: string; value: string }): ReactNode {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Code fz="md">{value}</Code>
    </div>
  );
}
