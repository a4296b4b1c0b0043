import {
  Checkbox,
  Fieldset,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  Stack,
  Switch,
  Textarea,
  TextInput,
} from '@mantine/core';
import { entityPermissionSchema } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import type { EntityDraft } from './entity-draft.ts';

const text = strings.entities.form;
const below = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[];

type Props = {
  readonly draft: EntityDraft;
  readonly faults: ReadonlyMap<string, string>;
  readonly change: (next: Partial<EntityDraft>) => void;
};

export function AddressFields({ draft, faults, change, isNew }: Props & { isNew: boolean }): ReactNode {
  return (
    <>
      <TextInput
        label={text.title}
        description={text.titleHelp}
        inputWrapperOrder={below}
        required
        maxLength={16}
        disabled={!isNew}
        data-autofocus={isNew}
        value={draft.title}
        error={faults.get('/title')}
        onChange={(event) => change({ title: event.currentTarget.value })}
        data-testid="entity-title"
      />
      <TextInput
        label={text.note}
        placeholder={text.notePlaceholder}
        value={draft.note}
        error={faults.get('/note')}
        onChange={(event) => change({ note: event.currentTarget.value })}
      />
      <Fieldset legend={text.address}>
        <Group align="flex-start" wrap="nowrap">
          <TextInput
            flex={1}
            label={text.host}
            description={text.hostHelp}
            inputWrapperOrder={below}
            value={draft.host}
            error={faults.get('/host')}
            onChange={(event) => change({ host: event.currentTarget.value })}
            data-testid="entity-host"
          />
          <NumberInput
            w={120}
            label={text.port}
            min={1}
            max={65_535}
            allowDecimal={false}
            value={draft.port}
            error={faults.get('/port')}
            disabled={draft.host.trim() === ''}
            onChange={(port) => change({ port })}
            data-testid="entity-port"
          />
        </Group>
        <Switch
          mt="sm"
          label={text.isProbed}
          description={text.isProbedHelp}
          checked={draft.isProbed}
          disabled={draft.host.trim() === ''}
          onChange={(event) => change({ isProbed: event.currentTarget.checked })}
        />
      </Fieldset>
    </>
  );
}

export function SecurityFields({ draft, faults, change }: Props): ReactNode {
  return (
    <Fieldset legend={text.security}>
      <Stack gap="sm">
        <Switch
          label={text.isTls}
          description={text.isTlsHelp}
          checked={draft.isTls}
          onChange={(event) => change({ isTls: event.currentTarget.checked })}
          data-testid="entity-tls"
        />
        {draft.isTls && (
          <Textarea
            label={text.fingerprints}
            description={text.fingerprintsHelp}
            inputWrapperOrder={below}
            autosize
            minRows={1}
            value={draft.fingerprints}
            error={faults.get('/fingerprints/0') ?? faults.get('/fingerprints/1')}
            onChange={(event) => change({ fingerprints: event.currentTarget.value })}
          />
        )}
      </Stack>
    </Fieldset>
  );
}

export function RightsFields({ draft, faults, change }: Props): ReactNode {
  return (
    <Fieldset legend={text.rights}>
      <Stack gap="sm">
        <Checkbox.Group value={[...draft.may]} onChange={(may) => change({ may })} aria-label={text.rights}>
          <Stack gap={6}>
            {entityPermissionSchema.options.map((permission) => (
              <Checkbox key={permission} value={permission} label={text.permissions[permission]} />
            ))}
          </Stack>
        </Checkbox.Group>
        {draft.may.includes('store') && (
          <>
            <Textarea
              label={text.sopClasses}
              description={text.sopClassesHelp}
              inputWrapperOrder={below}
              autosize
              minRows={1}
              value={draft.sopClasses}
              error={faults.get('/sopClasses/0')}
              onChange={(event) => change({ sopClasses: event.currentTarget.value })}
            />
            <NumberInput
              label={text.quota}
              description={text.quotaHelp}
              inputWrapperOrder={below}
              min={0}
              value={draft.quota}
              error={faults.get('/mostGiBPerDay')}
              onChange={(quota) => change({ quota })}
            />
          </>
        )}
      </Stack>
    </Fieldset>
  );
}

export function RoutingFields({
  draft,
  faults,
  change,
  destinations,
}: Props & { destinations: readonly string[] }): ReactNode {
  return (
    <Fieldset legend={text.routing}>
      <Stack gap="sm">
        <MultiSelect
          label={text.forwardTo}
          {...(draft.forwardTo.length === 0 && { placeholder: text.nowhere })}
          data={[...new Set([...destinations, ...draft.forwardTo])]}
          value={[...draft.forwardTo]}
          onChange={(forwardTo) => change({ forwardTo })}
        />
        <Switch
          label={text.priors}
          checked={draft.hasPriors}
          disabled={draft.host.trim() === ''}
          error={faults.get('/priors')}
          onChange={(event) => change({ hasPriors: event.currentTarget.checked })}
        />
        {draft.hasPriors && (
          <>
            <Group grow align="flex-start">
              <NumberInput
                label={text.most}
                min={1}
                max={50}
                allowDecimal={false}
                value={draft.most}
                error={faults.get('/priors/most')}
                onChange={(most) => change({ most })}
              />
              <TextInput
                label={text.modalities}
                description={text.modalitiesHelp}
                inputWrapperOrder={below}
                value={draft.modalities}
                error={faults.get('/priors/modalities/0')}
                onChange={(event) => change({ modalities: event.currentTarget.value })}
              />
            </Group>
            <Select
              label={text.by}
              data={[
                { value: 'move', label: text.move },
                { value: 'get', label: text.get },
              ]}
              value={draft.by}
              onChange={(by) => change({ by: by === 'get' ? 'get' : 'move' })}
              allowDeselect={false}
            />
          </>
        )}
      </Stack>
    </Fieldset>
  );
}
