import { Button, Group, Paper, SegmentedControl, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import type { AgreementDocumentKind } from '../../../core/agreement-api.ts';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { DocumentEditor } from '../documents/document-editor.tsx';
import { located, syntaxProblem } from '../documents/places.ts';
import { FaultNotice } from '../provision/fault-notice.tsx';
import { FailureNotice } from '../provision/loaded.tsx';
import { useAgreementsRefresh } from './use-agreements.ts';

const text = strings.agreements;
const kinds = ['agreement', 'offer', 'template'] as const;
const restMs = 300;

export type AgreementDraft = { readonly kind: AgreementDocumentKind; readonly text: string };

type Props = {
  readonly draft: AgreementDraft;
  readonly change: (draft: AgreementDraft) => void;
  readonly sent: (kind: AgreementDocumentKind) => void;
};

/** A template, an offer or an agreement as XML or JSON, checked as one types. */
export function AgreementEditor({ draft, change, sent }: Props): ReactNode {
  const { api } = useServices();
  const refresh = useAgreementsRefresh();
  const [asked] = useDebouncedValue(draft, restMs);
  const syntax = useMemo(() => syntaxProblem(asked.text), [asked]);
  const check = useQuery({
    queryKey: ['agreement-check', asked],
    queryFn: async ({ signal }) => api.agreements.check(asked.text, asked.kind, signal),
    enabled: !syntax && asked.text.trim() !== '',
    placeholderData: keepPreviousData,
    ...{ staleTime: 0, gcTime: 0, retry: false },
  });
  const problems = useMemo(() => {
    if (syntax) return [syntax];
    if (!check.data) return null;
    return located(
      asked.text,
      check.data.problems.map((problem) => ({ severity: 'error' as const, ...problem })),
    );
  }, [asked, check.data, syntax]);
  const sending = useMutation({
    mutationFn: async () => api.agreements.submit(draft.text, draft.kind),
    onSuccess: () => {
      refresh();
      sent(draft.kind);
    },
  });
  const isChecking = check.isFetching || asked !== draft;
  return (
    <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.editor}>
      <Group gap="sm" mb="sm">
        <Text size="sm">{text.kind}</Text>
        <SegmentedControl
          size="xs"
          aria-label={text.kind}
          value={draft.kind}
          onChange={(next) => change({ ...draft, kind: kinds.find((kind) => kind === next) ?? draft.kind })}
          data={kinds.map((kind) => ({ value: kind, label: text.kinds[kind] }))}
          data-testid="agreement-kind"
        />
        <Button
          size="xs"
          ml="auto"
          disabled={isChecking || problems?.length !== 0}
          loading={sending.isPending}
          onClick={() => sending.mutate()}
          data-testid="agreement-send"
        >
          {text.send[draft.kind]}
        </Button>
      </Group>
      <DocumentEditor
        label={text.editor}
        text={draft.text}
        change={(written) => change({ ...draft, text: written })}
        problems={problems}
        isChecking={isChecking}
        good={text.good}
      />
      {check.error && <FailureNotice error={check.error} title={strings.documents.checkFailed} />}
      <FaultNotice error={sending.error} />
    </Paper>
  );
}
