import { Code, Stack, TextInput } from '@mantine/core';
import type { ProviderView, ResourceView, SecurityRule } from '@medusa/protocol';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { CreateForm } from '../provision/create-form.tsx';
import { ResourceTable, RowButton } from '../provision/resource-table.tsx';
import { ofKind, type ViewOf } from '../provision/specs.ts';
import { useAct } from '../provision/use-act.ts';
import { RuleEditor } from './rule-editor.tsx';

const text = strings.provision.networks;

const newGroup: ViewOf<'security-group'>['spec'] = { kind: 'security-group', tenant: 'medusa', rules: [] };

type Props = { readonly resources: readonly ResourceView[]; readonly providers: readonly ProviderView[] };

/** Who may talk to whom. */
export function SecurityGroups({ resources, providers }: Props): ReactNode {
  const act = useAct();
  const [isAdding, setIsAdding] = useState(false);
  const machines = ofKind(resources, 'machine');
  return (
    <>
      <ResourceTable
        title={text.groups}
        empty={text.noGroups}
        testId="security-groups"
        columns={[text.tenant, text.rules, text.members]}
        resources={ofKind(resources, 'security-group')}
        cells={({ id, spec }) => [
          spec.tenant,
          <Stack key="rules" gap={2}>
            {spec.rules.map((rule, index) => (
              <Code key={index} className="security-rule">
                {ruleInWords(rule)}
              </Code>
            ))}
            {spec.rules.length === 0 && text.noRules}
          </Stack>,
          machines
            .filter((machine) => machine.spec.securityGroups.includes(id))
            .map((machine) => machine.id)
            .join(', ') || strings.common.unknown,
        ]}
        actions={({ id }) => (
          <RowButton
            label={strings.provision.destroy}
            act={() => act(id, { action: 'destroy' })}
            testId="destroy"
            isDestructive
          />
        )}
        add={{ label: text.addGroup, act: () => setIsAdding(true) }}
      />
      {isAdding && (
        <CreateForm
          title={text.addGroup}
          providers={providers}
          capability="securityGroups"
          initial={newGroup}
          fields={({ spec, change, faults }) => (
            <Stack gap="sm">
              <TextInput
                label={text.tenant}
                required
                value={spec.tenant}
                onChange={(event) => change({ ...spec, tenant: event.currentTarget.value })}
                error={faults.get('/spec/tenant')}
              />
              <RuleEditor
                rules={spec.rules}
                change={(rules) => change({ ...spec, rules: [...rules] })}
                faults={faults}
              />
            </Stack>
          )}
          close={() => setIsAdding(false)}
        />
      )}
    </>
  );
}

/** `in tcp 443 10.0.0.0/8` */
function ruleInWords({ direction, protocol, fromPort, toPort, remote }: SecurityRule): string {
  const ports =
    fromPort === null
      ? ''
      : fromPort === toPort || toPort === null
        ? ` ${fromPort}`
        : ` ${fromPort}–${toPort}`;
  const other = remote === 'group' ? text.group : remote;
  return `${text.directions[direction]} ${protocol}${ports} ${direction === 'in' ? '←' : '→'} ${other}`;
}
