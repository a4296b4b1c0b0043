import { ActionIcon, Button, Group, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { securityRuleSchema, type SecurityRule } from '@medusa/protocol';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';

const text = strings.provision.networks;
const { direction: directions, protocol: protocols } = securityRuleSchema.shape;

type Props = {
  readonly rules: readonly SecurityRule[];
  readonly change: (rules: readonly SecurityRule[]) => void;
  readonly faults: ReadonlyMap<string, string>;
};

/** The rules of a security group, one a line. */
export function RuleEditor({ rules, change, faults }: Props): ReactNode {
  return (
    <Stack gap="xs">
      <Text size="sm" fw={500}>
        {text.rules}
      </Text>
      {rules.length === 0 && (
        <Text size="xs" c="dimmed">
          {text.noRules}
        </Text>
      )}
      {rules.map((rule, index) => (
        <Rule
          key={index}
          rule={rule}
          change={(changed) => change(rules.with(index, changed))}
          remove={() => change(rules.toSpliced(index, 1))}
          faultAt={(name) => faults.get(`/spec/rules/${index}/${name}`)}
        />
      ))}
      <div>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPlus size={14} />}
          onClick={() =>
            change([
              ...rules,
              { direction: 'in', protocol: 'tcp', fromPort: 443, toPort: 443, remote: '0.0.0.0/0' },
            ])
          }
          data-testid="rule-add"
        >
          {text.addRule}
        </Button>
      </div>
    </Stack>
  );
}

function Rule(props: {
  rule: SecurityRule;
  change: (rule: SecurityRule) => void;
  remove: () => void;
  faultAt: (name: string) => string | undefined;
}): ReactNode {
  const { rule, change, remove, faultAt } = props;
  const hasPorts = rule.protocol === 'tcp' || rule.protocol === 'udp';
  return (
    <Group gap="xs" align="flex-start" wrap="nowrap" data-testid="rule">
      <Select
        size="xs"
        w={80}
        aria-label={text.direction}
        data={directions.options.map((value) => ({ value, label: text.directions[value] }))}
        value={rule.direction}
        onChange={(value) => change({ ...rule, direction: directions.parse(value) })}
        allowDeselect={false}
      />
      <Select
        size="xs"
        w={90}
        aria-label={text.protocol}
        data={[...protocols.options]}
        value={rule.protocol}
        onChange={(value) => {
          const protocol = protocols.parse(value);
          const ports = protocol === 'tcp' || protocol === 'udp' ? {} : { fromPort: null, toPort: null };
          change({ ...rule, protocol, ...ports });
        }}
        allowDeselect={false}
      />
      {(['fromPort', 'toPort'] as const).map((name) => (
        <NumberInput
          key={name}
          size="xs"
          w={92}
          aria-label={text[name]}
          placeholder={text.anyPort}
          min={1}
          max={65_535}
          disabled={!hasPorts}
          value={rule[name] ?? ''}
          onChange={(port) => change({ ...rule, [name]: typeof port === 'number' ? port : null })}
          error={faultAt(name)}
        />
      ))}
      <TextInput
        size="xs"
        flex={1}
        aria-label={text.remote}
        placeholder="10.0.0.0/8, group"
        value={rule.remote}
        onChange={(event) => change({ ...rule, remote: event.currentTarget.value })}
        error={faultAt('remote')}
      />
      <ActionIcon variant="subtle" color="gray" aria-label={text.removeRule} onClick={remove}>
        <IconTrash size={16} />
      </ActionIcon>
    </Group>
  );
}
