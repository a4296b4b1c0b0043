import { Button, Center, Group, Loader, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, type ReactNode } from 'react';
import { screenFor } from '../../stream/sharpness.ts';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { Notice } from '../../ui/notice.tsx';
import { Page } from '../../ui/page.tsx';
import { useServices } from '../../ui/services.tsx';
import { loadDeviceReport } from '../device-check/index.ts';
import { sharpness } from './sharpness-choice.ts';

/** As in viewer.css. */
const viewerBarHeightPx = 44;

/** Starts a session for the study in the address, after the device check, and goes on to the viewer. */
export function LaunchPage(): ReactNode {
  const { api, launches } = useServices();
  const navigate = useNavigate();
  const search = useSearch({ from: '/open' });
  const kept = loadDeviceReport();
  const isFit = kept !== undefined && kept.report.verdict !== 'refused';
  const launch = useMutation({
    mutationFn: async () => {
      const requestedAt = performance.now();
      const response = await api.launch({
        studyInstanceUID: search.study,
        applicationId: search.application,
        mode: search.mode,
        priority: search.priority,
        ...launchSize(),
        ...(kept ? { device: kept.report } : {}),
      });
      launches.set(response.session.id, { response, requestedAt });
      return response.session.id;
    },
    onSuccess: async (sessionId) =>
      navigate({ to: '/sessions/$sessionId', params: { sessionId }, replace: true }),
  });

  const hasStarted = useRef(false);
  const { mutate } = launch;
  useEffect(() => {
    if (hasStarted.current) return;
    hasStarted.current = true;
    if (isFit) mutate();
    else
      void navigate({
        to: '/device-check',
        search: { next: `${location.pathname}${location.search}` },
        replace: true,
      });
  }, [isFit, mutate, navigate]);

  return (
    <Page>
      {launch.isError ? (
        <LaunchFailed error={launch.error} retry={mutate} />
      ) : (
        <Center h="50vh">
          <Stack align="center" role="status">
            <Loader size="sm" />
            <Text c="dimmed">{strings.launch.opening}</Text>
          </Stack>
        </Center>
      )}
    </Page>
  );
}

function LaunchFailed({ error, retry }: { error: unknown; retry: () => void }): ReactNode {
  const navigate = useNavigate();
  const { title, help } = errorText(error);
  return (
    <Notice
      title={strings.launch.failed}
      isError
      testId="launch-failed"
      actions={
        <Group>
          <Button onClick={retry} data-testid="try-again">
            {strings.common.tryAgain}
          </Button>
          <Button variant="default" onClick={() => void navigate({ to: '/' })}>
            {strings.common.back}
          </Button>
        </Group>
      }
    >
      {`${title}. ${help}`}
    </Notice>
  );
}

/** What the viewer's stage will have below its bar, so that the first picture fills it. */
function launchSize(): { widthPx: number; heightPx: number } {
  const stage = { width: innerWidth, height: innerHeight - viewerBarHeightPx };
  const { width, height } = screenFor(stage, {
    ...{ devicePixelRatio, sharpness: sharpness.get(), targetKbps: null, scalePercent: 100 },
  });
  return { widthPx: width, heightPx: height };
}
