import { Button, Center, Loader, Stack, Text } from '@mantine/core';
import type { DeviceReport } from '@medusa/protocol';
import { useMutation } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useEffect, useRef, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { Notice } from '../../ui/notice.tsx';
import { Page } from '../../ui/page.tsx';
import { useServices } from '../../ui/services.tsx';
import { loadDeviceReport } from '../device-check/index.ts';

/** Where an invitation leads: device check if it was not run yet, then into the room. */
export function JoinPage(): ReactNode {
  const { api } = useServices();
  const navigate = useNavigate();
  const { code } = useParams({ from: '/join/$code' });
  const accept = useMutation({
    mutationFn: async (device: DeviceReport) => api.acceptInvitation(code, device),
    onSuccess: async (sessionId) =>
      navigate({ to: '/sessions/$sessionId', params: { sessionId }, replace: true }),
  });
  const hasStarted = useRef(false);
  const { mutate } = accept;
  useEffect(() => {
    if (hasStarted.current) return;
    hasStarted.current = true;
    const kept = loadDeviceReport();
    if (kept && kept.report.verdict !== 'refused') mutate(kept.report);
    else void navigate({ to: '/device-check', search: { next: `/join/${code}` }, replace: true });
  }, [code, mutate, navigate]);

  return (
    <Page>
      {accept.isError ? (
        <Notice
          title={strings.join.failed}
          isError
          testId="join-failed"
          actions={
            <div>
              <Button onClick={() => void navigate({ to: '/' })}>{strings.common.back}</Button>
            </div>
          }
        >
          {strings.join.failedHelp}
        </Notice>
      ) : (
        <Center h="50vh">
          <Stack align="center" role="status">
            <Loader size="sm" />
            <Text c="dimmed">{strings.join.title}</Text>
          </Stack>
        </Center>
      )}
    </Page>
  );
}
