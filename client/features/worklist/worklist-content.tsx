import { Alert, Button, Stack, Text, VisuallyHidden } from '@mantine/core';
import type { StudySummary } from '@medusa/protocol';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { formatPersonName } from '../../core/person-name.ts';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { useServices } from '../../ui/services.tsx';
import { EmptyWorklist, NoMatch } from './empty-worklist.tsx';
import { StudyTable, type StudyTableProps } from './study-table.tsx';
import type { Worklist } from './use-worklist.ts';

const text = strings.worklist;

type Props = {
  readonly worklist: Worklist;
  readonly shown: readonly StudySummary[];
  readonly clear: () => void;
  readonly table: Omit<StudyTableProps, 'studies' | 'arrivals'>;
};

/** The table, or why there is none. */
export function WorklistContent({ worklist, shown, clear, table }: Props): ReactNode {
  const { studies, arrivals, error, reload } = worklist;
  const { config } = useServices();
  if (!studies) {
    if (error) return <Failed error={error} reload={reload} />;
    return <StudyTable studies={undefined} arrivals={arrivals} {...table} />;
  }
  return (
    <>
      <Arrivals studies={studies} arrivals={arrivals} />
      {studies.size === 0 && <EmptyWorklist dicom={config.dicom} />}
      {studies.size > 0 && shown.length === 0 && <NoMatch clear={clear} />}
      {shown.length > 0 && <StudyTable studies={shown} arrivals={arrivals} {...table} />}
    </>
  );
}

function Failed({ error, reload }: { error: unknown; reload: () => void }): ReactNode {
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle />}
      title={text.failed}
      data-testid="worklist-failed"
    >
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{errorText(error).help}</Text>
        <Button size="xs" onClick={reload}>
          {strings.common.tryAgain}
        </Button>
      </Stack>
    </Alert>
  );
}

/** Tells a screen reader what slid in. */
function Arrivals(props: {
  studies: ReadonlyMap<string, StudySummary>;
  arrivals: ReadonlySet<string>;
}): ReactNode {
  const names = [...props.arrivals].map(
    (uid) => formatPersonName(props.studies.get(uid)?.patientName ?? '') || text.noName,
  );
  return (
    <VisuallyHidden aria-live="polite">{names.map((name) => text.arrived(name)).join('. ')}</VisuallyHidden>
  );
}
