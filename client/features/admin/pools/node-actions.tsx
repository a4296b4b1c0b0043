import { Button, Group, Menu } from '@mantine/core';
import { powerSchema, type ResourceAction, type ResourceView } from '@medusa/protocol';
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
  const simple = actionsOf(node);
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

function actionsOf({ phase }: ResourceView): readonly Simple[] {
  switch (phase) {
    case 'draining':
      return ['undrain', 'replace', 'destroy'];
    case 'error':
    case 'quarantined':
      return ['retry', 'replace', 'destroy'];
    case 'held':
      return ['keep', 'release'];
    case 'destroying':
    case 'absent':
      return [];
    case 'planned':
    case 'creating':
      return ['destroy'];
    case 'joining':
      return ['restart', 'replace', 'destroy'];
    case 'degraded':
    case 'ready':
      return ['drain', 'replace', 'restart', 'destroy'];
  }
}
