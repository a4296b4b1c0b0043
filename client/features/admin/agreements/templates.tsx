import { Badge, Button, Group, Paper, Table, Text } from '@mantine/core';
import type { AgreementTemplate, OfferView } from '@medusa/protocol';
import type { ReactNode } from 'react';
import type { AgreementDocumentKind, OfferAct } from '../../../core/agreement-api.ts';
import { strings } from '../../../strings/en.ts';
import { notifyFailure } from '../../../ui/notify-failure.ts';
import { useServices } from '../../../ui/services.tsx';
import { formatInstant } from '../format-instant.ts';
import { Loaded } from '../provision/loaded.tsx';
import { useConfirm } from '../provision/plan-dialog.tsx';
import { customerOf, guaranteeTermsOf, offerTextOf } from './standing.ts';
import { useAgreementsRefresh, useOfAgreements } from './use-agreements.ts';

const text = strings.agreements;

type Props = { readonly write: (kind: AgreementDocumentKind, text: string) => void };

/** What may be agreed upon, and what was offered. */
export function Templates({ write }: Props): ReactNode {
  const { api } = useServices();
  const templates = useOfAgreements(['templates'], async (signal) => api.agreements.templates(signal));
  const offers = useOfAgreements(['offers'], async (signal) => api.agreements.offers(signal));
  const edit = (id: string): void =>
    notifyFailure(api.agreements.text('template', id).then((xml) => write('template', xml)));
  return (
    <>
      <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.templates}>
        <Text fw={600}>{text.templates}</Text>
        <Loaded query={templates}>
          {(known) =>
            known.length === 0 ? (
              <Text size="sm" c="dimmed">
                {text.noTemplates}
              </Text>
            ) : (
              <TemplateTable templates={known} write={write} edit={edit} />
            )
          }
        </Loaded>
      </Paper>
      <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.offers}>
        <Text fw={600}>{text.offers}</Text>
        <Loaded query={offers}>
          {(known) =>
            known.length === 0 ? (
              <Text size="sm" c="dimmed">
                {text.noOffers}
              </Text>
            ) : (
              <OfferTable offers={known} />
            )
          }
        </Loaded>
      </Paper>
    </>
  );
}

type TemplateTableProps = Props & {
  readonly templates: readonly AgreementTemplate[];
  readonly edit: (id: string) => void;
};

function TemplateTable({ templates, write, edit }: TemplateTableProps): ReactNode {
  return (
    <Table fz="sm" verticalSpacing={4} data-testid="template-list">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{text.template}</Table.Th>
          <Table.Th>{text.parts.guarantees}</Table.Th>
          <Table.Th>{text.changeable}</Table.Th>
          <Table.Th />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {templates.map((template) => (
          <Table.Tr key={template.id} data-id={template.id}>
            <Table.Td fw={600}>{template.id}</Table.Td>
            <Table.Td>
              {guaranteeTermsOf(template.terms)
                .map(({ name }) => name)
                .join(', ')}
            </Table.Td>
            <Table.Td c="dimmed">
              {template.creationConstraints.items.map(({ name }) => name).join(', ') || text.nothing}
            </Table.Td>
            <Table.Td>
              <Group gap="xs" justify="flex-end">
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={text.useNamed(template.id)}
                  onClick={() => write('agreement', offerTextOf(template))}
                  data-testid="template-use"
                >
                  {text.use}
                </Button>
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={text.editNamed(template.id)}
                  onClick={() => edit(template.id)}
                >
                  {text.edit}
                </Button>
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function OfferTable({ offers }: { offers: readonly OfferView[] }): ReactNode {
  return (
    <Table fz="sm" verticalSpacing={4} data-testid="offer-list">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{text.offer}</Table.Th>
          <Table.Th>{text.customer}</Table.Th>
          <Table.Th>{text.state}</Table.Th>
          <Table.Th>{text.faults}</Table.Th>
          <Table.Th>{text.expires}</Table.Th>
          <Table.Th />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody className="medusa-numeric">
        {offers.map((offer) => (
          <OfferRow key={offer.id} offer={offer} />
        ))}
      </Table.Tbody>
    </Table>
  );
}

const offerColours = { Advisory: 'gray', Solicited: 'blue', Acceptable: 'teal', Rejected: 'red' } as const;

/** What may be done with an offer, by its state (GFD.193). */
const offerActs: Readonly<Record<OfferView['state'], readonly OfferAct[]>> = {
  Advisory: ['solicit', 'accept', 'reject'],
  Solicited: ['accept', 'reject'],
  Acceptable: ['reject'],
  Rejected: [],
};

function OfferRow({ offer }: { offer: OfferView }): ReactNode {
  const { api } = useServices();
  const confirm = useConfirm();
  const refresh = useAgreementsRefresh();
  const { id, document, state, faults, expiresAt } = offer;
  return (
    <Table.Tr>
      <Table.Td fw={600}>{document.id}</Table.Td>
      <Table.Td>{customerOf(document)}</Table.Td>
      <Table.Td>
        <Badge variant="light" radius="sm" miw="max-content" color={offerColours[state]}>
          {state}
        </Badge>
      </Table.Td>
      <Table.Td className="admin-object">
        {faults.map(({ item, reason }) => `${item}: ${reason}`).join('; ')}
      </Table.Td>
      <Table.Td className="admin-instant">{formatInstant(expiresAt)}</Table.Td>
      <Table.Td ta="right">
        <Group gap="xs" justify="flex-end">
          {offerActs[state].map((event) => (
            <Button
              key={event}
              size="compact-sm"
              variant="default"
              disabled={event === 'accept' && faults.length > 0}
              onClick={() =>
                confirm({
                  title: text.offerActTitle(text.offerActs[event], document.id),
                  act: async () => api.agreements.actOnOffer(id, event),
                  done: refresh,
                  isDestructive: event === 'reject',
                })
              }
              data-testid={`offer-act-${event}`}
            >
              {text.offerActs[event]}
            </Button>
          ))}
          {state === 'Acceptable' && (
            <Button
              size="compact-sm"
              variant="default"
              onClick={() =>
                confirm({
                  title: text.agreeTitle(document.id),
                  act: async () => api.agreements.agreeTo(id),
                  done: refresh,
                })
              }
            >
              {text.agree}
            </Button>
          )}
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}
