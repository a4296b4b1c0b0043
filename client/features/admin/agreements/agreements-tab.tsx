import { SegmentedControl, Stack, Text } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { AgreementDocumentKind } from '../../../core/agreement-api.ts';
import { strings } from '../../../strings/en.ts';
import { Loaded } from '../provision/loaded.tsx';
import { AgreementDetail } from './agreement-detail.tsx';
import { AgreementEditor, type AgreementDraft } from './agreement-editor.tsx';
import { AgreementList } from './agreement-list.tsx';
import { Templates } from './templates.tsx';
import { useAgreements } from './use-agreements.ts';

const text = strings.agreements;
const views = ['agreements', 'templates', 'write'] as const;
type View = (typeof views)[number];

/** Service level agreements: how they stand, what was booked, what may be agreed upon. */
export function AgreementsTab(): ReactNode {
  const [view, setView] = useState<View>('agreements');
  const [opened, setOpened] = useState<string | null>(null);
  const [draft, setDraft] = useState<AgreementDraft>({ kind: 'template', text: text.started });
  const agreements = useAgreements();
  const write = (kind: AgreementDocumentKind, written: string): void => {
    setDraft({ kind, text: written });
    setView('write');
  };
  const sent = (kind: AgreementDocumentKind): void => {
    setOpened(null);
    setView(kind === 'agreement' ? 'agreements' : 'templates');
  };
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {text.intro}
      </Text>
      <SegmentedControl
        value={view}
        onChange={(next) => setView(views.find((name) => name === next) ?? 'agreements')}
        data={views.map((name) => ({ value: name, label: text.views[name] }))}
        size="xs"
        w="max-content"
        data-testid="agreements-view"
      />
      {view === 'agreements' && (
        <Loaded query={agreements}>
          {(known) => {
            const agreement = known.find(({ id }) => id === opened);
            if (!agreement) return <AgreementList agreements={known} open={setOpened} />;
            return <AgreementDetail key={agreement.id} agreement={agreement} close={() => setOpened(null)} />;
          }}
        </Loaded>
      )}
      {view === 'templates' && <Templates write={write} />}
      {view === 'write' && <AgreementEditor draft={draft} change={setDraft} sent={sent} />}
    </Stack>
  );
}
