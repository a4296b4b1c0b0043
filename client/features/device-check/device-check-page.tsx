import { Alert, Button, Group, Loader, Progress, Stack, Text, Title } from '@mantine/core';
import { IconRefresh, IconWifi } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { Page } from '../../ui/page.tsx';
import { loadDeviceReport, saveDeviceReport, type KeptDeviceReport } from './device-report-store.ts';
import { DeviceReportView } from './device-report-view.tsx';
import { isWireless, judgeDevice } from './judge-device.ts';
import { measureDevice, measurePhases, type MeasurePhase } from './measure-device.ts';

const text = strings.device;

/** Runs the check, shows what it found, and lets the user go on to where they wanted to go. */
export function DeviceCheckPage(): ReactNode {
  const [kept, setKept] = useState<KeptDeviceReport | undefined>(loadDeviceReport);
  const [phase, setPhase] = useState<MeasurePhase>('system');
  const runAgain = useCallback(() => setKept(undefined), []);

  useEffect(() => {
    if (kept) return undefined;
    const abort = new AbortController();
    check(setPhase, abort.signal).then(
      (found) => {
        if (abort.signal.aborted) return;
        saveDeviceReport(found);
        setKept(found);
      },
      (error: unknown) => {
        if (!abort.signal.aborted) reportError(error);
      },
    );
    return () => abort.abort();
  }, [kept]);

  return (
    <Page>
      <Stack maw={960} mx="auto" gap="lg">
        <div>
          <Title order={1} size="h2" fw={600}>
            {text.title}
          </Title>
          <Text c="dimmed">{text.lead}</Text>
        </div>
        {kept ? <Result kept={kept} runAgain={runAgain} /> : <Running phase={phase} />}
      </Stack>
    </Page>
  );
}

async function check(
  notePhase: (phase: MeasurePhase) => void,
  signal: AbortSignal,
): Promise<KeptDeviceReport> {
  const measured = await measureDevice(notePhase, signal);
  return {
    report: judgeDevice(measured, new Date().toISOString()),
    isGuaranteed: !isWireless(measured),
  };
}

function Running({ phase }: { phase: MeasurePhase }): ReactNode {
  const done = measurePhases.indexOf(phase) + 1;
  return (
    <Stack gap="sm" aria-live="polite" data-testid="device-running">
      <Group gap="sm">
        <Loader size="sm" />
        <Text>{text.phases[phase]}</Text>
      </Group>
      <Progress value={(done / (measurePhases.length + 0.5)) * 100} aria-label={text.running} animated />
    </Stack>
  );
}

function Result({ kept, runAgain }: { kept: KeptDeviceReport; runAgain: () => void }): ReactNode {
  const navigate = useNavigate();
  const { next } = useSearch({ from: '/device-check' });
  const { verdict } = kept.report;
  const goOnRef = useRef<HTMLButtonElement>(null);
  // Enter goes on, but the verdict stays in sight.
  useEffect(() => goOnRef.current?.focus({ preventScroll: true }), []);
  const goOn = (): void => {
    if (next === undefined || verdict === 'refused') void navigate({ to: '/' });
    else void navigate({ href: next });
  };
  return (
    <Stack gap="lg" aria-live="polite">
      <DeviceReportView report={kept.report} />
      {!kept.isGuaranteed && (
        <Alert color="yellow" variant="light" icon={<IconWifi />} data-testid="not-guaranteed">
          {text.notGuaranteed}
        </Alert>
      )}
      <Group>
        <Button ref={goOnRef} onClick={goOn} data-testid="device-continue">
          {next === undefined || verdict === 'refused' ? text.toWorklist : text.continue}
        </Button>
        <Button
          variant="default"
          leftSection={<IconRefresh size={16} />}
          onClick={runAgain}
          data-testid="device-run-again"
        >
          {text.runAgain}
        </Button>
      </Group>
    </Stack>
  );
}
