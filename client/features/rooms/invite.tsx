import { ActionIcon, Button, CopyButton, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import type { SessionId } from '@medusa/protocol';
import { IconCheck, IconCopy, IconUserPlus } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { errorText } from '../../ui/error-text.ts';
import { useServices } from '../../ui/services.tsx';

const text = strings.room;

/** Makes a link that lets another person in, to be sent by whatever means the hospital trusts. */
export function Invite({ sessionId }: { sessionId: SessionId }): ReactNode {
  const { api } = useServices();
  const invite = useMutation({ mutationFn: async () => api.invite(sessionId) });
  const link = invite.data && `${location.origin}/join/${invite.data.code}`;
  return (
    <Stack gap={6}>
      {link === undefined ? (
        <Button
          size="xs"
          variant="light"
          leftSection={<IconUserPlus size={16} />}
          loading={invite.isPending}
          onClick={() => invite.mutate()}
          data-testid="invite-button"
        >
          {text.invite}
        </Button>
      ) : (
        <TextInput
          size="xs"
          readOnly
          value={link}
          aria-label={text.invite}
          description={text.inviteHelp}
          onFocus={(event) => event.currentTarget.select()}
          data-testid="room-link"
          rightSection={<CopyLink link={link} />}
        />
      )}
      {invite.data && (
        <Text size="xs" c="dimmed">
          {text.inviteUntil(new Date(invite.data.expiresAt).toLocaleString())}
        </Text>
      )}
      {invite.isError && (
        <Text size="xs" c="red.4" role="alert">
          {text.inviteFailed}. {errorText(invite.error).help}
        </Text>
      )}
    </Stack>
  );
}

function CopyLink({ link }: { link: string }): ReactNode {
  return (
    <CopyButton value={link}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? strings.common.copied : strings.common.copy}>
          <ActionIcon
            size="sm"
            variant="subtle"
            onClick={copy}
            aria-label={strings.common.copy}
            data-testid="copy-link"
          >
            {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
