import { Button, Group, Menu } from '@mantine/core';
import { powerSchema, type ResourceAction, type ResourcePhase, type ResourceView } from '@medusa/protocol';
import { IconPower } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { useAct } from '../provision/use-act.ts';

const text = strings.provision.acts;

type Simple = Exclude<
  ResourceAction['action'],
  'power' | 'attach' | 'detach' | 'revert' | 'assign' | 'unassign'
>;

/** What can be done with a node as it is now; each shows its plan first. */
export function NodeActions({ node }: { node: ResourceView }): ReactNode {
  const act = useAct();
  const simple = actionsOf[node.phase];
  return (
    <Group gap="xs" aria-label={strings.provision.actions}>
      {simple.map((action) => (
        <Button
          key={action}
          size="xs"
          variant={action === 'destroy' ? 'light' : 'default'}
          {...(action === 'destroy' ? { color: 'red' } : {})}
          onClick={() => act(node.id, { action })}
          data-testid={`act-${action}`}
        >
          {text[action]}
        </Button>
      ))}
      {node.spec.kind === 'machine' && node.phase !== 'absent' && (
        <Menu>
          <Menu.Target>
            <Button size="xs" variant="default" leftSection={<IconPower size={14} />} data-testid="act-power">
              {text.power}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {powerSchema.options.map((power) => (
              <Menu.Item key={power} onClick={() => act(node.id, { action: 'power', power })}>
                {text.powers[power]}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </Group>
  );
}

const actionsOf: Readonly<Record<ResourcePhase, readonly Simple[]>> = {
  planned: ['destroy'],
  creating: ['destroy'],
  joining: ['restart', 'replace', 'destroy'],
  ready: ['drain', 'replace', 'restart', 'destroy'],
  degraded: ['drain', 'replace', 'restart', 'destroy'],
  draining: ['undrain', 'replace', 'destroy'],
  destroying: [],
  quarantined: ['retry', 'replace', 'destroy'],
  held: ['keep', 'release'],
  error: ['retry', 'replace', 'destroy'],
  absent: [],
};
