import {
  Button,
  Code,
  FileButton,
  Group,
  Modal,
  SegmentedControl,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import type { EntityList, EntityView, SignedCertificate } from '@medusa/protocol';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { saveFile } from '../../../ui/save-file.ts';
import { useServices } from '../../../ui/services.tsx';
import { Facts } from '../facts.tsx';
import { formatInstant } from '../format-instant.ts';
import { FaultNotice } from '../provision/fault-notice.tsx';

const text = strings.entities.certificates;
type Act = 'sign' | 'revoke';

type Props = {
  readonly entity: EntityView;
  readonly nodes: EntityList['nodes'];
  readonly close: () => void;
};

/** Certificates of one application entity, by the authority of a storage node: made of a request, or taken back. */
export function CertificateDialog({ entity, nodes, close }: Props): ReactNode {
  const connected = nodes.filter(({ isConnected }) => isConnected).map(({ nodeId }) => nodeId);
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={text.title(entity.title)}
      closeButtonProps={{ 'aria-label': strings.common.close }}
    >
      {connected.length === 0 ? (
        <Text size="sm">{text.noNode}</Text>
      ) : (
        <Inputs entity={entity} nodes={connected} />
      )}
    </Modal>
  );
}

function Inputs({ entity, nodes }: { entity: EntityView; nodes: readonly string[] }): ReactNode {
  const [act, setAct] = useState<Act>('sign');
  const [nodeId, setNodeId] = useState(nodes[0] ?? '');
  return (
    <Stack gap="md" data-testid="certificate-dialog">
      <SegmentedControl
        value={act}
        onChange={setAct}
        data={[
          { value: 'sign', label: text.sign },
          { value: 'revoke', label: text.revoke },
        ]}
      />
      {nodes.length > 1 && (
        <Select
          label={text.node}
          description={text.nodeHelp}
          data={[...nodes]}
          value={nodeId}
          allowDeselect={false}
          onChange={(value) => setNodeId(value ?? nodeId)}
        />
      )}
      {act === 'sign' ? (
        <Signing entity={entity} nodeId={nodeId} />
      ) : (
        <Revoking entity={entity} nodeId={nodeId} />
      )}
    </Stack>
  );
}

type ActProps = { readonly entity: EntityView; readonly nodeId: string };

function Signing({ entity: { title, wish }, nodeId }: ActProps): ReactNode {
  const { api } = useServices();
  const [request, setRequest] = useState('');
  const [hosts, setHosts] = useState(wish.host ?? '');
  const signing = useMutation({
    mutationFn: async () => api.entities.sign(title, { nodeId, request, hosts: namesIn(hosts) }),
  });
  if (signing.data) return <Signed title={title} signed={signing.data} />;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        signing.mutate();
      }}
    >
      <Stack gap="md">
        <Text size="sm">{text.signHelp(title)}</Text>
        <Code block style={{ whiteSpace: 'pre-wrap' }}>
          {text.command(title)}
        </Code>
        <PemInput label={text.request} value={request} change={setRequest} testId="certificate-request" />
        <TextInput
          label={text.hosts}
          description={text.hostsHelp}
          value={hosts}
          onChange={(event) => setHosts(event.currentTarget.value)}
        />
        <FaultNotice error={signing.error} />
        <Group justify="flex-end">
          <Button
            type="submit"
            loading={signing.isPending}
            disabled={request.trim() === ''}
            data-testid="certificate-sign"
          >
            {text.sign}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Signed({ title, signed }: { title: string; signed: SignedCertificate }): ReactNode {
  const files = [
    [text.certificateFile, 'certificate', signed.certificate],
    [text.authoritiesFile, 'authorities', signed.authorities],
  ] as const;
  return (
    <Stack gap="md" data-testid="certificate-signed">
      <Text size="sm">{text.signed}</Text>
      <Facts facts={[[text.ends, formatInstant(signed.endsAt)]]} />
      <div>
        <Text size="xs" c="dimmed">
          {text.fingerprint}
        </Text>
        <Text size="sm" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
          {signed.fingerprint256}
        </Text>
      </div>
      <Group gap="sm">
        {files.map(([label, name, pem]) => (
          <Button
            key={name}
            variant="default"
            leftSection={<IconDownload size={15} />}
            onClick={() =>
              saveFile(new Blob([pem], { type: 'application/x-pem-file' }), `${title}-${name}.pem`)
            }
            data-testid={`certificate-${name}`}
          >
            {label}
          </Button>
        ))}
      </Group>
    </Stack>
  );
}

function Revoking({ entity: { title }, nodeId }: ActProps): ReactNode {
  const { api } = useServices();
  const [certificate, setCertificate] = useState('');
  const revoking = useMutation({
    mutationFn: async () => api.entities.revoke(title, { nodeId, certificate }),
  });
  if (revoking.isSuccess)
    return (
      <Text size="sm" data-testid="certificate-revoked">
        {text.revoked(nodeId)}
      </Text>
    );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        revoking.mutate();
      }}
    >
      <Stack gap="md">
        <Text size="sm">{text.revokeHelp(nodeId)}</Text>
        <PemInput
          label={text.certificate}
          value={certificate}
          change={setCertificate}
          testId="certificate-pem"
        />
        <FaultNotice error={revoking.error} />
        <Group justify="flex-end">
          <Button
            type="submit"
            color="red"
            loading={revoking.isPending}
            disabled={certificate.trim() === ''}
            data-testid="certificate-revoke"
          >
            {text.revoke}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

type PemProps = {
  readonly label: string;
  readonly value: string;
  readonly change: (value: string) => void;
  readonly testId: string;
};

/** Pasted, or out of a file. */
function PemInput({ label, value, change, testId }: PemProps): ReactNode {
  return (
    <Stack gap={6}>
      <Textarea
        label={label}
        value={value}
        onChange={(event) => change(event.currentTarget.value)}
        minRows={6}
        maxRows={12}
        autosize
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }}
        data-testid={testId}
      />
      <Group>
        <FileButton
          accept=".pem,.csr,.req,.crt,.cer,text/plain"
          onChange={(file) => void file?.text().then(change)}
        >
          {(props) => (
            <Button {...props} size="compact-xs" variant="default">
              {text.file}
            </Button>
          )}
        </FileButton>
      </Group>
    </Stack>
  );
}

function namesIn(hosts: string): string[] {
  return hosts.split(/[\s,]+/).filter((host) => host !== '');
}
