import { Group, Stack, Text, Title } from '@mantine/core';
import type { StudySummary } from '@medusa/protocol';
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useRef, useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { Page } from '../../ui/page.tsx';
import { useServices } from '../../ui/services.tsx';
import { useCanLaunch, useRoles } from '../../ui/use-roles.ts';
import { filterStudies, modalitiesOf, type WorklistFilter } from './filter-studies.ts';
import { firstOffer } from './offers.ts';
import { OpenSessions } from './open-sessions.tsx';
import type { OpenChoice } from './study-table.tsx';
import { useWorklist } from './use-worklist.ts';
import { useSlashKey, useWorklistKeys } from './use-worklist-keys.ts';
import { WorklistContent } from './worklist-content.tsx';
import { WorklistFilters } from './worklist-filters.tsx';
import './worklist.css';

const text = strings.worklist;
const anything: WorklistFilter = { search: '', modality: null, range: 'all' };

/** Where everybody starts: the studies that may be opened, or for doctors the rooms that they may join. */
export function WorklistPage(): ReactNode {
  const roles = useRoles();
  const readsWorklist = roles.includes('radiologist') || roles.includes('admin');
  return <Page>{readsWorklist ? <Worklist /> : <OpenSessions saysIfNone />}</Page>;
}

function Worklist(): ReactNode {
  const { config } = useServices();
  const canLaunch = useCanLaunch();
  const navigate = useNavigate();
  const worklist = useWorklist();
  const { studies } = worklist;
  const [filter, setFilter] = useState(anything);
  const searchRef = useRef<HTMLInputElement>(null);
  const shown = useMemo(() => filterStudies(studies?.values() ?? [], filter, new Date()), [studies, filter]);
  const modalities = useMemo(() => modalitiesOf(studies?.values() ?? []), [studies]);

  const open = ({ studyInstanceUID }: StudySummary, { applicationId, mode, priority }: OpenChoice): void => {
    if (!canLaunch) return;
    void navigate({
      to: '/open',
      search: { study: studyInstanceUID, application: applicationId, mode, priority },
    });
  };
  useSlashKey(searchRef);
  const applications = config.applications ?? [];
  const keys = useWorklistKeys(shown, (study) =>
    open(study, { applicationId: firstOffer(study, applications), mode: 'streamed' }),
  );

  return (
    <Stack gap="md" onKeyDown={keys.keyDown}>
      <Heading shown={shown.length} all={studies?.size} />
      <OpenSessions />
      <WorklistFilters filter={filter} modalities={modalities} change={setFilter} searchRef={searchRef} />
      <WorklistContent
        worklist={worklist}
        shown={shown}
        clear={() => setFilter(anything)}
        table={{
          chosen: keys.chosen?.studyInstanceUID ?? null,
          choose: keys.choose,
          applications,
          canLaunch,
          open,
        }}
      />
    </Stack>
  );
}

function Heading({ shown, all }: { shown: number; all: number | undefined }): ReactNode {
  return (
    <Group justify="space-between" align="baseline">
      <Group align="baseline" gap="sm">
        <Title order={1} size="h2" fw={600}>
          {text.title}
        </Title>
        {all !== undefined && (
          <Text c="dimmed" size="sm" className="medusa-numeric" data-testid="worklist-count">
            {text.count(shown, all)}
          </Text>
        )}
      </Group>
      <Text c="dimmed" size="xs">
        {text.keys}
      </Text>
    </Group>
  );
}
