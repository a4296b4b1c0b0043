import {
  ActionIcon,
  Button,
  Checkbox,
  Chip,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import type { PoolPolicy } from '@medusa/protocol';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { WeekGrid } from './week-grid.tsx';

const text = strings.provision.pools;
const timeZones = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];

const sources = ['off', 'worklist', 'calendar', 'both'] as const;

type Props = {
  readonly policy: PoolPolicy;
  readonly change: (policy: PoolPolicy) => void;
  readonly faults: ReadonlyMap<string, string>;
};

/** How many nodes there are to be: always, by the hour of the week, by what is in use, by what is expected. */
export function PolicyFields({ policy, change, faults }: Props): ReactNode {
  return (
    <Stack gap="sm">
      <SimpleGrid cols={3}>
        <Amount
          label={text.min}
          value={policy.min}
          change={(min) => change({ ...policy, min })}
          fault={faults.get('/policy/min')}
          testId="pool-min"
        />
        <Amount
          label={text.max}
          value={policy.max}
          change={(max) => change({ ...policy, max })}
          fault={faults.get('/policy/max')}
          testId="pool-max"
        />
        <Amount
          label={text.scaleDown}
          value={policy.scaleDownAfterSeconds}
          change={(scaleDownAfterSeconds) => change({ ...policy, scaleDownAfterSeconds })}
          fault={faults.get('/policy/scaleDownAfterSeconds')}
          testId="pool-scale-down"
        />
      </SimpleGrid>
      <Buffer policy={policy} change={change} faults={faults} />
      <Schedule policy={policy} change={change} faults={faults} />
      <Forecast policy={policy} change={change} faults={faults} />
      <PreWarmFields policy={policy} change={change} faults={faults} />
    </Stack>
  );
}

export function Amount(props: {
  label: string;
  value: number;
  change: (value: number) => void;
  fault: string | undefined;
  testId: string;
}): ReactNode {
  return (
    <NumberInput
      label={props.label}
      size="sm"
      min={0}
      allowDecimal={false}
      value={props.value}
      onChange={(value) => props.change(typeof value === 'number' ? value : 0)}
      error={props.fault}
      data-testid={props.testId}
    />
  );
}

function Buffer({ policy, change, faults }: Props): ReactNode {
  const { buffer } = policy;
  const amount = buffer.kind === 'slots' ? buffer.slots : buffer.percent;
  const put = (kind: string | null, value: number): void =>
    change({
      ...policy,
      buffer: kind === 'percent' ? { kind, percent: value } : { kind: 'slots', slots: Math.round(value) },
    });
  return (
    <Group align="flex-end" gap="xs">
      <Amount
        label={text.buffer}
        value={amount}
        change={(value) => put(buffer.kind, value)}
        fault={faults.get(`/policy/buffer/${buffer.kind}`)}
        testId="pool-buffer"
      />
      <Select
        aria-label={text.buffer}
        data={[
          { value: 'slots', label: text.bufferKinds.slots },
          { value: 'percent', label: text.bufferKinds.percent },
        ]}
        value={buffer.kind}
        onChange={(kind) => put(kind, amount)}
        allowDeselect={false}
      />
    </Group>
  );
}

function PreWarmFields({ policy, change, faults }: Props): ReactNode {
  const { preWarm } = policy;
  const names = strings.capacity.preWarm.by;
  return (
    <Group align="flex-end" gap="xs">
      <Select
        label={text.preWarm}
        data={sources.map((value) => ({ value, label: names[value] }))}
        value={preWarm.by}
        onChange={(by) => change({ ...policy, preWarm: { ...preWarm, by: by ?? 'off' } })}
        allowDeselect={false}
        data-testid="pool-pre-warm"
      />
      {preWarm.by !== 'off' && (
        <Amount
          label={text.preWarmSlots}
          value={preWarm.slots}
          change={(slots) => change({ ...policy, preWarm: { ...preWarm, slots } })}
          fault={faults.get('/policy/preWarm/slots')}
          testId="pool-pre-warm-slots"
        />
      )}
    </Group>
  );
}

function Schedule({ policy, change }: Props): ReactNode {
  const { schedule } = policy;
  const put = (index: number, rule: PoolPolicy['schedule'][number]): void =>
    change({ ...policy, schedule: schedule.with(index, rule) });
  return (
    <Stack gap="xs">
      <Group justify="space-between" align="flex-end">
        <Text size="sm" fw={500}>
          {text.schedule}
        </Text>
        <Select
          size="xs"
          label={text.timeZone}
          data={timeZones}
          value={policy.timeZone}
          onChange={(timeZone) => change({ ...policy, timeZone: timeZone ?? 'UTC' })}
          searchable
          allowDeselect={false}
        />
      </Group>
      <WeekGrid policy={policy} />
      {schedule.map((rule, index) => (
        <Group key={index} gap="xs" align="flex-end" data-testid="schedule-rule">
          <Chip.Group
            multiple
            value={rule.days.map(String)}
            onChange={(days) => put(index, { ...rule, days: days.map(Number).sort((a, b) => a - b) })}
          >
            <Group gap={4} role="group" aria-label={text.daysField} pb={4} wrap="nowrap">
              {text.days.map((day, number) => (
                <Chip
                  key={day}
                  size="xs"
                  value={String(number + 1)}
                  aria-label={text.dayNames[number]}
                  classNames={{ iconWrapper: 'admin-no-icon', label: 'admin-day' }}
                >
                  {day}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
          <TextInput
            size="xs"
            type="time"
            label={text.from}
            value={rule.from}
            onChange={(event) => put(index, { ...rule, from: event.currentTarget.value })}
          />
          <TextInput
            size="xs"
            type="time"
            label={text.to}
            value={rule.to}
            onChange={(event) => put(index, { ...rule, to: event.currentTarget.value })}
          />
          <NumberInput
            size="xs"
            w={90}
            min={0}
            label={text.atLeast}
            value={rule.min}
            onChange={(min) => put(index, { ...rule, min: typeof min === 'number' ? min : 0 })}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            mb={2}
            aria-label={text.removeSchedule}
            onClick={() => change({ ...policy, schedule: schedule.toSpliced(index, 1) })}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      <div>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPlus size={14} />}
          onClick={() =>
            change({
              ...policy,
              schedule: [
                ...schedule,
                { days: [1, 2, 3, 4, 5], from: '07:00', to: '18:00', min: policy.min + 1 },
              ],
            })
          }
          data-testid="schedule-add"
        >
          {text.addSchedule}
        </Button>
      </div>
    </Stack>
  );
}

function Forecast({ policy, change, faults }: Props): ReactNode {
  const { forecast } = policy;
  return (
    <Group gap="md" align="center">
      <Checkbox
        label={text.forecast}
        checked={forecast !== null}
        onChange={(event) =>
          change({ ...policy, forecast: event.currentTarget.checked ? { blocking: 0.02 } : null })
        }
      />
      {forecast && (
        <NumberInput
          size="xs"
          label={text.blocking}
          min={0.01}
          max={50}
          decimalScale={2}
          value={forecast.blocking * 100}
          onChange={(percent) =>
            change({
              ...policy,
              forecast: { blocking: (typeof percent === 'number' ? percent : 2) / 100 },
            })
          }
          error={faults.get('/policy/forecast/blocking')}
        />
      )}
    </Group>
  );
}
