import { Button, Group, Paper, SegmentedControl, Select, Stack, Table, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import type { Manifest, ManifestCheck } from '@medusa/protocol';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo, useState, type ReactNode } from 'react';
import { formOf, type DocumentForm } from '../../../core/document.ts';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { notifyFailure } from '../../../ui/notify-failure.ts';
import { DocumentEditor } from '../documents/document-editor.tsx';
import { located, syntaxProblem, type DocumentProblem } from '../documents/places.ts';
import { FailureNotice, Loaded } from '../provision/loaded.tsx';
import { useProviders } from '../provision/use-provision.ts';
import { PlanView } from './plan-view.tsx';

const text = strings.manifests;
const restMs = 300;

/** The catalogue, and an editor that says what is wrong with a manifest and how it would be deployed. */
export function ManifestsTab(): ReactNode {
  const { api } = useServices();
  const [written, setWritten] = useState<string>(text.started);
  const list = useQuery({
    queryKey: ['manifests'],
    queryFn: async ({ signal }) => api.manifests.list(signal),
  });
  const open = (name: string): void => {
    notifyFailure(api.manifests.text(name).then(setWritten));
  };
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {text.intro}
      </Text>
      <Loaded query={list}>{(manifests) => <Catalogue manifests={manifests} open={open} />}</Loaded>
      <ManifestEditor written={written} write={setWritten} />
    </Stack>
  );
}

function Catalogue(props: { manifests: readonly Manifest[]; open: (name: string) => void }): ReactNode {
  const { manifests, open } = props;
  if (manifests.length === 0) return <Text c="dimmed">{text.noManifests}</Text>;
  return (
    <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.catalogue}>
      <Text fw={600}>{text.catalogue}</Text>
      <Table fz="sm" verticalSpacing={4} data-testid="manifest-catalogue">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{text.name}</Table.Th>
            <Table.Th>{text.about}</Table.Th>
            <Table.Th>{text.nodes}</Table.Th>
            <Table.Th />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {manifests.map(({ name, descriptions, nodes }) => (
            <Table.Tr key={name}>
              <Table.Td fw={600}>{name}</Table.Td>
              <Table.Td c="dimmed">{descriptions[0]}</Table.Td>
              <Table.Td>{nodes.map((node) => node.name).join(', ')}</Table.Td>
              <Table.Td ta="right">
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={text.openNamed(name)}
                  onClick={() => open(name)}
                  data-testid={`manifest-open-${name}`}
                >
                  {text.open}
                </Button>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

type EditorProps = { readonly written: string; readonly write: (text: string) => void };

function ManifestEditor({ written, write }: EditorProps): ReactNode {
  const { api } = useServices();
  const providers = useProviders();
  const [provider, setProvider] = useState<string | null>(null);
  const [asked] = useDebouncedValue(written, restMs);
  const syntax = useMemo(() => syntaxProblem(asked), [asked]);
  const check = useQuery({
    queryKey: ['manifest-check', asked, provider],
    queryFn: async ({ signal }) => api.manifests.check(asked, provider, signal),
    enabled: !syntax && asked.trim() !== '',
    placeholderData: keepPreviousData,
    ...{ staleTime: Infinity, gcTime: 0, retry: false },
  });
  const found = syntax ? undefined : check.data;
  const problems = useMemo(
    () =>
      syntax ? [syntax] : found ? located(asked, [...found.problems, ...found.lint.map(asWarning)]) : null,
    [asked, found, syntax],
  );
  return (
    <>
      <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.editor}>
        <Group justify="space-between" align="flex-end" mb="sm">
          <Text fw={600}>{text.editor}</Text>
          <Group gap="sm" align="flex-end">
            <Form written={written} write={write} check={found} />
            <Select
              size="xs"
              aria-label={text.provider}
              placeholder={`${text.provider}: ${text.anyProvider}`}
              data={providers.data?.map(({ id, title }) => ({ value: id, label: title })) ?? []}
              value={provider}
              onChange={setProvider}
              clearable
              data-testid="manifest-provider"
            />
            <Button size="xs" variant="default" onClick={() => write(text.started)}>
              {text.fresh}
            </Button>
          </Group>
        </Group>
        <DocumentEditor
          label={text.editor}
          text={written}
          change={write}
          problems={problems}
          isChecking={check.isFetching || asked !== written}
          good={text.good}
        />
        {check.error && <FailureNotice error={check.error} title={strings.documents.checkFailed} />}
      </Paper>
      {found && <PlanView plan={found.plan} fit={found.fit} />}
    </>
  );
}

/** What is missing keeps a manifest from nothing but being deployed by itself. */
function asWarning({
  section,
  pointer,
  message,
  line,
  column,
}: ManifestCheck['lint'][number]): DocumentProblem {
  return { severity: 'warning', pointer, line, column, message: `${text.sections[section]}: ${message}` };
}

/** The same manifest in the other form, once it is one. */
function Form(props: EditorProps & { check: ManifestCheck | undefined }): ReactNode {
  const { written, write, check } = props;
  const turn = (form: DocumentForm): void => {
    if (!check?.manifest || check.document === null) return;
    write(form === 'json' ? `${JSON.stringify(check.manifest, null, 2)}\n` : check.document);
  };
  return (
    <SegmentedControl
      size="xs"
      aria-label={text.form}
      value={formOf(written)}
      onChange={(form) => turn(form === 'json' ? 'json' : 'xml')}
      disabled={!check?.manifest}
      data={[
        { value: 'xml', label: strings.documents.xml },
        { value: 'json', label: strings.documents.json },
      ]}
      data-testid="manifest-form"
    />
  );
}
