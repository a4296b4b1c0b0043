import { Button, Center, Loader, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { Notice } from '../../ui/notice.tsx';

/** Shown while the configuration is loaded and the issuer is asked who this is. */
export function StartingPage(): ReactNode {
  return (
    <Center h="100%">
      <Stack align="center" gap="sm" role="status">
        <Loader size="sm" />
        <Text c="dimmed" size="sm">
          {strings.start.starting}
        </Text>
      </Stack>
    </Center>
  );
}

/** Shown when nobody can log in. */
export function StartFailedPage(): ReactNode {
  return (
    <Notice
      title={strings.start.failedTitle}
      isError
      testId="start-failed"
      actions={
        <div>
          <Button onClick={() => location.reload()}>{strings.common.tryAgain}</Button>
        </div>
      }
    >
      {strings.start.failedHelp}
    </Notice>
  );
}
