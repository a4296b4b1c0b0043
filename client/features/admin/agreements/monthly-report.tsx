import { Badge, Button, Group, Select, Stack, Text } from '@mantine/core';
import type { AgreementReport, AgreementView } from '@medusa/protocol';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { SignedReport } from '../../../core/agreement-api.ts';
import { strings } from '../../../strings/en.ts';
import { notifyFailure } from '../../../ui/notify-failure.ts';
import { useServices } from '../../../ui/services.tsx';
import { Loaded } from '../provision/loaded.tsx';
import { LedgerTable } from './ledger.tsx';
import { ReportFigures } from './report-figures.tsx';
import { saveFile } from '../../../ui/save-file.ts';
import { monthsOf } from './standing.ts';

const text = strings.agreements;

/** What an agreement came to in one month, with the way down to the events, and signed. */
export function MonthlyReport({ agreement }: { agreement: AgreementView }): ReactNode {
  const { api } = useServices();
  const [months] = useState(() => monthsOf(agreement, new Date()));
  const [month, setMonth] = useState(months[0] ?? '');
  const [asked, setAsked] = useState<string | null>(null);
  const { id } = agreement;
  const report = useQuery({
    queryKey: ['agreement-report', id, asked],
    queryFn: async ({ signal }) => api.agreements.report(id, asked ?? '', signal),
    enabled: asked !== null,
    ...{ staleTime: Infinity, gcTime: 0, retry: false },
  });
  const show = (): void => {
    if (asked === month) void report.refetch();
    else setAsked(month);
  };
  const download = (form: 'pdf' | 'json'): void =>
    notifyFailure(
      api.agreements.downloadReport(id, month, form).then((file) => saveFile(file, `${id}-${month}.${form}`)),
    );
  return (
    <Stack gap="md">
      <Group gap="sm" align="flex-end">
        <Select
          size="xs"
          label={text.month}
          data={[...months]}
          value={month}
          onChange={(chosen) => setMonth(chosen ?? month)}
          allowDeselect={false}
        />
        <Button size="xs" onClick={show} loading={report.isFetching} data-testid="report-show">
          {text.showReport}
        </Button>
        {(['pdf', 'json'] as const).map((form) => (
          <Button
            key={form}
            size="xs"
            variant="default"
            leftSection={<IconDownload size={15} />}
            onClick={() => download(form)}
            data-testid={`report-${form}`}
          >
            {text[form]}
          </Button>
        ))}
        <Text size="xs" c="dimmed">
          {text.reportHint}
        </Text>
      </Group>
      {asked !== null && <Loaded query={report}>{(signed) => <Report id={id} signed={signed} />}</Loaded>}
    </Stack>
  );
}

function Report({ id, signed }: { id: string; signed: SignedReport }): ReactNode {
  const { report } = signed;
  return (
    <Stack gap="md" data-testid="report">
      <Group gap="sm">
        <Signature signed={signed} />
        <Text size="sm" c="dimmed">
          {text.madeFrom(report.events)}
        </Text>
      </Group>
      <Totals totals={report.totals} />
      {report.guarantees.map((guarantee) => (
        <ReportFigures key={guarantee.name} id={id} guarantee={guarantee} />
      ))}
      {report.entries.length > 0 && <LedgerTable entries={report.entries} />}
    </Stack>
  );
}

function Signature({ signed }: { signed: SignedReport }): ReactNode {
  const { api } = useServices();
  const { data } = useQuery({
    queryKey: ['agreement-signature', signed.signature],
    queryFn: async ({ signal }) => api.agreements.isSigned(signed, signal),
    ...{ staleTime: Infinity, gcTime: 0 },
  });
  if (data === undefined) return null;
  return (
    <Badge
      color={data ? 'teal' : 'red'}
      variant="light"
      radius="sm"
      data-testid="report-signature"
      data-good={data}
    >
      {data ? text.signed : text.unsigned}
    </Badge>
  );
}

function Totals({ totals }: Pick<AgreementReport, 'totals'>): ReactNode {
  if (totals.length === 0) return <Text size="sm">{text.nothingOwed}</Text>;
  return (
    <div data-testid="report-totals">
      {totals.map(({ debtor, currency, amount }) => (
        <Text key={`${debtor} ${currency}`} fw={600}>
          {text.owed(text.obligatedNames[debtor], `${amount} ${currency}`)}
        </Text>
      ))}
    </div>
  );
}
