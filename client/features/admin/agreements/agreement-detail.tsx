import { Button, Code, Group, Stack, Table, Tabs, Text, Title } from '@mantine/core';
import type { AgreementView } from '@medusa/protocol';
import { IconArrowLeft } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { Facts } from '../facts.tsx';
import { formatInstant } from '../format-instant.ts';
import { Loaded } from '../provision/loaded.tsx';
import { useConfirm } from '../provision/plan-dialog.tsx';
import { AgreedSignature } from './agreed-signature.tsx';
import { Guarantees } from './guarantees.tsx';
import { Ledger } from './ledger.tsx';
import { MonthlyReport } from './monthly-report.tsx';
import { actsOf, customerOf, type ActName } from './standing.ts';
import { AgreementBadge } from './state-badges.tsx';
import { useAgreementsRefresh, useOfAgreements } from './use-agreements.ts';

const text = strings.agreements;
const parts = ['guarantees', 'ledger', 'report', 'document', 'history'] as const;

type Props = { readonly agreement: AgreementView; readonly close: () => void };

/** One agreement: how it stands, what it cost, and what can be done with it. */
export function AgreementDetail({ agreement, close }: Props): ReactNode {
  const { id, document, createdAt, observedAt, evaluatedUntil, endedAt, terminateAt, templateId } = agreement;
  return (
    <Stack gap="md" data-testid="agreement-detail" data-id={id}>
      <Group justify="space-between">
        <Group gap="sm">
          <Button
            size="xs"
            variant="subtle"
            leftSection={<IconArrowLeft size={15} />}
            onClick={close}
            data-testid="agreement-back"
          >
            {text.back}
          </Button>
          <Title order={2} size="h3" fw={600}>
            {id}
          </Title>
          <AgreementBadge agreement={agreement} />
        </Group>
        <Acts agreement={agreement} />
      </Group>
      <Facts
        facts={[
          [text.customer, customerOf(document)],
          [text.template, templateId ?? strings.common.unknown],
          [text.created, formatInstant(createdAt)],
          [text.observed, formatInstant(observedAt)],
          [text.evaluated, formatInstant(evaluatedUntil)],
          [text.supersedes, agreement.supersedes ?? strings.common.unknown],
          [text.supersededBy, agreement.supersededBy ?? strings.common.unknown],
          [text.ends, formatInstant(endedAt ?? terminateAt ?? document.context.expirationTime ?? null)],
        ]}
      />
      <Tabs defaultValue="guarantees" keepMounted={false}>
        <Tabs.List>
          {parts.map((part) => (
            <Tabs.Tab key={part} value={part} data-testid={`agreement-${part}`}>
              {text.parts[part]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="guarantees" pt="md">
          <Guarantees agreement={agreement} />
        </Tabs.Panel>
        <Tabs.Panel value="ledger" pt="md">
          <Ledger id={id} />
        </Tabs.Panel>
        <Tabs.Panel value="report" pt="md">
          <MonthlyReport agreement={agreement} />
        </Tabs.Panel>
        <Tabs.Panel value="document" pt="md">
          <Stack gap="sm">
            {observedAt !== null && <AgreedSignature id={id} />}
            <Document id={id} />
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="history" pt="md">
          <History history={agreement.history} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Acts({ agreement }: { agreement: AgreementView }): ReactNode {
  const { api } = useServices();
  const confirm = useConfirm();
  const refresh = useAgreementsRefresh();
  const { id } = agreement;
  const ask = (event: ActName): void =>
    confirm({
      title: text.actTitle(text.acts[event], id),
      warning: text.actWarnings[event],
      act: async () => api.agreements.act(id, { event }),
      done: refresh,
      isDestructive: event === 'reject' || event === 'terminate',
    });
  return (
    <Group gap="xs">
      {actsOf(agreement).map((event) => (
        <Button
          key={event}
          size="xs"
          variant={event === 'accept' ? 'filled' : 'default'}
          onClick={() => ask(event)}
          data-testid={`agreement-act-${event}`}
        >
          {text.acts[event]}
        </Button>
      ))}
    </Group>
  );
}

function Document({ id }: { id: string }): ReactNode {
  const { api } = useServices();
  const document = useOfAgreements(['text', id], async () => api.agreements.text('agreement', id));
  return (
    <Loaded query={document}>
      {(xml) => (
        <Code block className="node-console">
          {xml}
        </Code>
      )}
    </Loaded>
  );
}

function History({ history }: Pick<AgreementView, 'history'>): ReactNode {
  return (
    <Table fz="sm" verticalSpacing={4} aria-label={text.parts.history}>
      <Table.Tbody className="medusa-numeric">
        {history.map(({ at, event, by, state }, index) => (
          <Table.Tr key={`${index} ${at}`}>
            <Table.Td className="admin-instant">{formatInstant(at)}</Table.Td>
            <Table.Td>{event}</Table.Td>
            <Table.Td>{state}</Table.Td>
            <Table.Td>
              <Text size="sm" c="dimmed">
                {by}
              </Text>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
