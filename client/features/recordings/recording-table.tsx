import { Badge, Button, Group, Modal, Paper, Table, Text, Tooltip } from '@mantine/core';
import type { RecordingView } from '@medusa/protocol';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { notifyFailure } from '../../ui/notify-failure.ts';
import { saveFile } from '../../ui/save-file.ts';
import { useServices } from '../../ui/services.tsx';
import { formatLength } from './format-length.ts';

const text = strings.recordings;
export const recordingsKey = ['recordings'] as const;
type Film = { readonly recording: RecordingView; readonly url: string };

/** Each recording, and what one may do with it. */
export function RecordingTable({ recordings }: { recordings: readonly RecordingView[] }): ReactNode {
  const [film, setFilm] = useState<Film | null>(null);
  useEffect(() => {
    if (!film) return undefined;
    return () => URL.revokeObjectURL(film.url);
  }, [film]);
  const { columns } = text;
  return (
    <Paper component="section" bg="var(--medusa-surface)" withBorder p="md" aria-label={text.title}>
      <Table fz="sm" verticalSpacing={6} aria-label={text.title} data-testid="recordings">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{columns.started}</Table.Th>
            <Table.Th>{columns.study}</Table.Th>
            <Table.Th>{columns.people}</Table.Th>
            <Table.Th>{columns.length}</Table.Th>
            <Table.Th>{columns.size}</Table.Th>
            <Table.Th>{columns.state}</Table.Th>
            <Table.Th aria-label={columns.actions} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {recordings.map((recording) => (
            <Row key={recording.id} recording={recording} play={setFilm} />
          ))}
        </Table.Tbody>
      </Table>
      <Modal
        opened={film !== null}
        onClose={() => setFilm(null)}
        size="xl"
        title={film?.recording.studyTitle}
        closeButtonProps={{ 'aria-label': strings.common.close }}
      >
        {film && (
          <video className="recording-film" src={film.url} controls autoPlay muted data-testid="film" />
        )}
      </Modal>
    </Paper>
  );
}

function Row({ recording, play }: { recording: RecordingView; play: (film: Film) => void }): ReactNode {
  const { id, studyTitle, people, askedBy, startedAt, durationMs, bytes, pictures, sha256 } = recording;
  const hint = [text.pictures(pictures), ...(sha256 === null ? [] : [text.hash(sha256)])].join(', ');
  return (
    <Table.Tr data-testid="recording" data-id={id} data-state={recording.state}>
      <Table.Td className="medusa-numeric">{new Date(startedAt).toLocaleString()}</Table.Td>
      <Table.Td>{studyTitle}</Table.Td>
      <Table.Td>
        {people.map(({ name }) => name).join(', ')}
        <Text size="xs" c="dimmed">
          {text.by(askedBy.name)}
        </Text>
      </Table.Td>
      <Table.Td className="medusa-numeric">
        <Tooltip label={hint} multiline maw={420}>
          <span>{formatLength(durationMs)}</span>
        </Tooltip>
      </Table.Td>
      <Table.Td className="medusa-numeric">{text.megabytes(bytes)}</Table.Td>
      <Table.Td>
        <State recording={recording} />
      </Table.Td>
      <Table.Td>
        <Actions recording={recording} play={play} />
      </Table.Td>
    </Table.Tr>
  );
}

function State({ recording: { state, expiresAt } }: { recording: RecordingView }): ReactNode {
  return (
    <>
      <Badge size="sm" radius="sm" variant="light" tt="none" color={state === 'failed' ? 'red' : 'gray'}>
        {text.states[state]}
      </Badge>
      {state === 'kept' && expiresAt !== null && (
        <Text size="xs" c="dimmed" className="medusa-numeric">
          {text.until(new Date(expiresAt).toLocaleString())}
        </Text>
      )}
    </>
  );
}

function Actions({ recording, play }: { recording: RecordingView; play: (film: Film) => void }): ReactNode {
  const { api } = useServices();
  const { id, startedAt, may } = recording;
  const loading = useMutation({ mutationFn: async () => api.recordings.load(id) });
  const load = (then: (film: Blob) => void): void => notifyFailure(loading.mutateAsync().then(then));
  const name = `medusa-${startedAt.slice(0, 19).replaceAll(':', '-')}.mp4`;
  const common = { size: 'compact-sm', variant: 'default' } as const;
  return (
    <Group gap="xs" wrap="nowrap" justify="flex-end">
      {may.fetch && (
        <>
          <Button
            {...common}
            loading={loading.isPending}
            onClick={() => load((film) => play({ recording, url: URL.createObjectURL(film) }))}
            data-testid="play-recording"
          >
            {text.play}
          </Button>
          <Button
            {...common}
            disabled={loading.isPending}
            onClick={() => load((film) => saveFile(film, name))}
            data-testid="save-recording"
          >
            {text.save}
          </Button>
        </>
      )}
      {may.delete && <DeleteButton id={id} />}
    </Group>
  );
}

function DeleteButton({ id }: Pick<RecordingView, 'id'>): ReactNode {
  const { api } = useServices();
  const cache = useQueryClient();
  const [isAsked, setAsked] = useState(false);
  const remove = async (): Promise<void> => {
    await api.recordings.delete(id);
    await cache.invalidateQueries({ queryKey: recordingsKey });
  };
  return (
    <>
      <Button
        size="compact-sm"
        variant="subtle"
        color="red"
        onClick={() => setAsked(true)}
        data-testid="delete-recording"
      >
        {text.delete}
      </Button>
      <Modal opened={isAsked} onClose={() => setAsked(false)} title={text.deleteSure} centered>
        <Group>
          <Button
            color="red"
            onClick={() => {
              setAsked(false);
              notifyFailure(remove());
            }}
            data-testid="delete-recording-really"
          >
            {text.delete}
          </Button>
          <Button variant="default" onClick={() => setAsked(false)}>
            {strings.common.cancel}
          </Button>
        </Group>
      </Modal>
    </>
  );
}
