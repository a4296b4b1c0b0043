import { Badge, Button, Group, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useServices } from '../../../ui/services.tsx';
import { formatInstant } from '../format-instant.ts';
import { Loaded } from '../provision/loaded.tsx';
import { saveFile } from '../../../ui/save-file.ts';

const text = strings.agreements;

/** Who agreed to the document and when, with the signature that the customer can check, checked here too. */
export function AgreedSignature({ id }: { id: string }): ReactNode {
  const { api } = useServices();
  const agreed = useQuery({
    queryKey: ['agreement-agreed', id],
    queryFn: async ({ signal }) => api.agreements.agreed(id, signal),
    ...{ staleTime: Infinity, gcTime: 0, retry: false },
  });
  return (
    <Loaded query={agreed}>
      {({ agreement, signature, isGood }) => (
        <Group gap="sm">
          <Badge
            color={isGood ? 'teal' : 'red'}
            variant="light"
            radius="sm"
            data-testid="agreement-signature"
            data-good={isGood}
          >
            {isGood ? text.documentSigned : text.documentUnsigned}
          </Badge>
          <Text size="sm" c="dimmed">
            {text.agreedBy(agreement.agreedBy, formatInstant(agreement.agreedAt))}
          </Text>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={15} />}
            onClick={() => saveFile(signedFile({ agreement, signature }), `${id}.signed.json`)}
          >
            {text.downloadSigned}
          </Button>
        </Group>
      )}
    </Loaded>
  );
}

function signedFile(signed: object): Blob {
  return new Blob([JSON.stringify(signed, null, 2)], { type: 'application/json' });
}
