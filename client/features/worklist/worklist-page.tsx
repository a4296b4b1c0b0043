import { Alert, Button, Group, Stack, Text, Title, VisuallyHidden } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { StudySummary } from '@medusa/protocol';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { formatPersonName } from '../../core/person-name.ts';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { Page } from '../../ui/page.tsx';
import { useServices } from '../../ui/services.tsx';
import { filterStudies, modalitiesOf, type WorklistFilter } from './filter-studies.ts';
import { useWorklist } from './use-worklist.ts';
import { EmptyWorklist, NoMatch } from './empty-worklist.tsx';
import { StudyTable, type OpenChoice } from './study-table.tsx';
import { WorklistFilters } from './worklist-filters.tsx';
import './worklist.css';

const text = strings.worklist;
const anything: WorklistFilter = { search: '', modality: null, range: 'all' };

/** The studies that may be opened, live. */
export function WorklistPage(): ReactNode {
  const { config } = useServices();
  const navigate = useNavigate();
  const worklist = useWorklist();
  const [filter, setFilter] = useState(anything);
  const [chosen, setChosen] = useState<string | null>(null);
  const searchRef = useRef<HTMLInputElement>(null);
  const { studies } = worklist;
  const shown = useMemo(() => filterStudies(studies?.values() ?? [], filter, new Date()), [studies, filter]);
  const modalities = useMemo(() => modalitiesOf(studies?.values() ?? []), [studies]);
  useSlashKey(searchRef);

  const open = (study: StudySummary, { applicationId, mode }: OpenChoice): void => {
    void navigate({
      to: '/open',
      search: { study: study.studyInstanceUID, application: applicationId, mode },
    });
  };
  const current = shown.find(({ studyInstanceUID }) => studyInstanceUID === chosen) ?? shown[0];
  const keyDown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || !current) return;
    if (event.key === 'Enter' && isSearchOrRow(event.target))
      open(current, { applicationId: 'workstation', mode: 'streamed' });
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || !isSearchOrRow(event.target)) return;
    event.preventDefault();
    const next =
      shown[Math.min(shown.length - 1, Math.max(0, shown.indexOf(current) + (chosen === null ? 0 : step)))];
    setChosen(next?.studyInstanceUID ?? null);
  };

  return (
    <Page>
      <Stack gap="md" onKeyDown={keyDown}>
        <Group justify="space-between" align="baseline">
          <Group align="baseline" gap="sm">
            <Title order={1} size="h2" fw={600}>
              {text.title}
            </Title>
            {studies && (
              <Text c="dimmed" size="sm" className="medusa-numeric" data-testid="worklist-count">
                {text.count(shown.length, studies.size)}
              </Text>
            )}
          </Group>
          <Text c="dimmed" size="xs">
            {text.keys}
          </Text>
        </Group>
        <WorklistFilters filter={filter} modalities={modalities} change={setFilter} searchRef={searchRef} />
        <Arrivals worklist={worklist} />
        {worklist.error !== null && !studies && <Failed error={worklist.error} reload={worklist.reload} />}
        {studies?.size === 0 && <EmptyWorklist dicom={config.dicom} />}
        {studies && studies.size > 0 && shown.length === 0 && <NoMatch clear={() => setFilter(anything)} />}
        {(!studies || shown.length > 0) && worklist.error === null && (
          <StudyTable
            studies={studies ? shown : undefined}
            arrivals={worklist.arrivals}
            chosen={current?.studyInstanceUID ?? null}
            choose={setChosen}
            applications={config.applications ?? []}
            open={open}
          />
        )}
      </Stack>
    </Page>
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
function Arrivals({ worklist }: { worklist: ReturnType<typeof useWorklist> }): ReactNode {
  const names = [...worklist.arrivals].map(
    (uid) => formatPersonName(worklist.studies?.get(uid)?.patientName ?? '') || text.noName,
  );
  return (
    <VisuallyHidden aria-live="polite">{names.map((name) => text.arrived(name)).join('. ')}</VisuallyHidden>
  );
}

function isSearchOrRow(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.closest('[data-worklist-keys]') !== null;
}

function useSlashKey(searchRef: { readonly current: HTMLInputElement | null }): void {
  useEffect(() => {
    const focusSearch = (event: globalThis.KeyboardEvent): void => {
      const isTyping =
        event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
      if (event.key !== '/' || isTyping) return;
      event.preventDefault();
      searchRef.current?.focus();
      searchRef.current?.select();
    };
    window.addEventListener('keydown', focusSearch);
    return () => window.removeEventListener('keydown', focusSearch);
  }, [searchRef]);
}
