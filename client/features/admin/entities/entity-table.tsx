import { Badge, Group, Text, Tooltip } from '@mantine/core';
import type { EntityView } from '@medusa/protocol';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { errorText } from '../../../ui/error-text.ts';
import { useServices } from '../../../ui/services.tsx';
import { ExpandableRows } from '../expandable-rows.tsx';
import { useConfirm } from '../provision/plan-dialog.tsx';
import { RowButton } from '../provision/resource-table.tsx';
import { EntityDetails } from './entity-details.tsx';

const text = strings.entities;
const dayMs = 86_400_000;
/** From then on it is time to see to it. */
const soonDays = 30;

type Props = {
  readonly entities: readonly EntityView[];
  readonly certify: (entity: EntityView) => void;
  readonly edit: (entity: EntityView) => void;
};

export function EntityTable({ entities, edit, certify }: Props): ReactNode {
  const { columns } = text;
  return (
    <ExpandableRows
      label={text.title}
      testId="entities"
      empty={text.empty}
      columns={[
        ...[columns.title, columns.address, columns.tls, columns.echo, columns.may, columns.today],
        ...[columns.refusals, columns.quarantined, columns.certificate, columns.acts],
      ]}
      rows={entities.map((entity) => ({
        id: entity.title,
        cells: [
          <Name key="title" entity={entity} />,
          entity.wish.host === null ? text.noAddress : `${entity.wish.host}:${entity.wish.port}`,
          text.tls[entity.wish.tls],
          <Echo key="echo" entity={entity} />,
          entity.wish.may.map((permission) => text.permissions[permission]).join(', ') ||
            strings.common.unknown,
          <Today key="today" entity={entity} />,
          total(entity, 'refusals'),
          total(entity, 'quarantined'),
          <Certificate key="certificate" entity={entity} />,
          <Acts key="acts" entity={entity} edit={edit} certify={certify} />,
        ],
        details: () => <EntityDetails entity={entity} />,
      }))}
    />
  );
}

function total({ nodes }: EntityView, name: 'refusals' | 'quarantined' | 'bytesToday'): number {
  return nodes.reduce((sum, node) => sum + node[name], 0);
}

function Name({ entity: { title, wish } }: { entity: EntityView }): ReactNode {
  return (
    <>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      {wish.note !== '' && (
        <Text size="xs" c="dimmed">
          {wish.note}
        </Text>
      )}
    </>
  );
}

/** Unreachable as soon as one storage node cannot reach it: each of them has its own way there. */
function Echo({ entity: { wish, nodes } }: { entity: EntityView }): ReactNode {
  const echoes = nodes.flatMap(({ echo }) => echo ?? []);
  const failed = echoes.find(({ isReachable }) => !isReachable);
  const latest = failed ?? echoes[0];
  if (wish.host === null) return strings.common.unknown;
  if (!latest)
    return (
      <Badge variant="light" radius="sm" color="gray">
        {wish.isProbed ? text.unknown : text.notProbed}
      </Badge>
    );
  return (
    <Tooltip label={latest.words} multiline maw={400}>
      <Badge
        variant="light"
        radius="sm"
        color={failed ? 'red' : 'teal'}
        tabIndex={0}
        data-testid="entity-echo"
        data-state={failed ? 'unreachable' : 'reachable'}
      >
        {failed ? text.unreachable : text.reachable}
      </Badge>
    </Tooltip>
  );
}

function Today({ entity }: { entity: EntityView }): ReactNode {
  const most = entity.wish.mostGiBPerDay;
  return (
    <>
      {`${(total(entity, 'bytesToday') / 2 ** 30).toFixed(2)} GiB`}
      {most !== null && (
        <Text size="xs" c="dimmed">
          {text.ofQuota(most)}
        </Text>
      )}
    </>
  );
}

function Certificate({ entity: { nodes } }: { entity: EntityView }): ReactNode {
  const ends = nodes.flatMap(({ certificateEndsAt }) => certificateEndsAt ?? []).sort();
  const [first] = ends;
  if (first === undefined) return strings.common.unknown;
  const days = Math.floor((Date.parse(first) - Date.now()) / dayMs);
  return (
    <Text size="sm" c={days < 0 ? 'red' : days <= soonDays ? 'yellow' : 'inherit'}>
      {text.days(days)}
    </Text>
  );
}

type ActsProps = Pick<Props, 'edit' | 'certify'> & { readonly entity: EntityView };

function Acts({ entity, edit, certify }: ActsProps): ReactNode {
  const { api } = useServices();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const refresh = (): void => void queries.invalidateQueries({ queryKey: ['entities'] });
  const testing = useMutation({
    mutationFn: async () => api.entities.test(entity.title),
    onSettled: refresh,
  });
  return (
    <>
      <Group gap={4} wrap="nowrap">
        {entity.wish.host !== null && (
          <RowButton
            label={testing.isPending ? text.testing : text.test}
            act={() => testing.mutate()}
            testId="entity-test"
          />
        )}
        <RowButton label={text.edit} act={() => edit(entity)} testId="entity-edit" />
        <RowButton label={text.certificates.act} act={() => certify(entity)} testId="entity-certificate" />
        <RowButton
          label={text.remove}
          testId="entity-remove"
          isDestructive
          act={() =>
            confirm({
              title: text.removeTitle(entity.title),
              warning: text.removeWarning,
              isDestructive: true,
              act: async () => api.entities.remove(entity.title),
              done: refresh,
            })
          }
        />
      </Group>
      <div role="status">
        {testing.error && (
          <Text size="xs" maw={320} c="red">
            {errorText(testing.error).help}
          </Text>
        )}
        {testing.data?.results.map(({ nodeId, isReachable, words, ms }) => (
          <Text
            key={nodeId}
            size="xs"
            maw={320}
            c={isReachable ? 'teal' : 'red'}
            data-testid="entity-test-result"
          >
            {text.result(nodeId, words, ms)}
          </Text>
        ))}
      </div>
    </>
  );
}
