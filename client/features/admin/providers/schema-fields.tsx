import {
  ActionIcon,
  Button,
  Checkbox,
  Fieldset,
  Group,
  NumberInput,
  PasswordInput,
  SegmentedControl,
  Select,
  Stack,
  TagsInput,
  Textarea,
  TextInput,
} from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';
import { filledIn, initialOf, variantOf, type Field, type Shape, type Values } from './schema-form.ts';

const text = strings.provision.providers;

type Props = {
  readonly shape: Shape;
  readonly values: Values;
  readonly change: (values: Values) => void;
  /** JSON pointer of this part, e.g. `/settings`. */
  readonly pointer: string;
  /** What the broker found wrong, by JSON pointer. */
  readonly faults: ReadonlyMap<string, string>;
};

/** The inputs that a schema asks for, nested as it is. */
export function SchemaFields({ shape, values, change, pointer, faults }: Props): ReactNode {
  if (shape.kind === 'variants') {
    const chosen = variantOf(shape.variants, values);
    const variant = shape.variants[chosen];
    return (
      <Stack gap="sm">
        <SegmentedControl
          aria-label={text.variant}
          size="xs"
          data={shape.variants.map(({ label }, index) => ({ label, value: String(index) }))}
          value={String(chosen)}
          onChange={(index) => {
            const next = shape.variants[Number(index)]?.shape;
            if (next) change(emptyVariant(next.fields, initialOf(next)));
          }}
        />
        {variant && (
          <SchemaFields
            shape={variant.shape}
            values={{ ...values, ...variant.shape.constants }}
            {...{ change, pointer, faults }}
          />
        )}
      </Stack>
    );
  }
  if (shape.kind !== 'object') return null;
  return (
    <Stack gap="sm">
      {shape.fields.map((field) => (
        <OneField
          key={field.name}
          field={field}
          value={values[field.name]}
          change={(value) => change({ ...values, [field.name]: value })}
          pointer={`${pointer}/${field.name}`}
          faults={faults}
        />
      ))}
    </Stack>
  );
}

/** A variant without constants is known by the names of its fields. */
function emptyVariant(fields: readonly Field[], initial: Values): Values {
  const [first] = fields;
  return first && Object.keys(initial).length === 0 ? { [first.name]: '' } : initial;
}

type FieldProps = {
  readonly field: Field;
  readonly value: unknown;
  readonly change: (value: unknown) => void;
  readonly pointer: string;
  readonly faults: ReadonlyMap<string, string>;
};

function OneField({ field, value, change, pointer, faults }: FieldProps): ReactNode {
  const { shape, label, help, isRequired, name } = field;
  if (shape.kind === 'items')
    return <Items {...{ field, value, change, pointer, faults }} item={shape.item} />;
  if (shape.kind === 'object' || shape.kind === 'variants')
    return (
      <Fieldset legend={label} variant="unstyled">
        <SchemaFields values={valuesOf(value)} {...{ shape, change, pointer, faults }} />
      </Fieldset>
    );
  const fault = faults.get(pointer);
  const isMissing = fault !== undefined && isRequired && filledIn(value) === undefined;
  const common: CommonProps = {
    label,
    description: help === '' ? undefined : help,
    error: isMissing ? text.required : fault,
    withAsterisk: isRequired,
    size: 'sm',
    'data-testid': `field-${name}`,
  };
  return <SimpleField {...{ shape, common, value, change }} />;
}

function SimpleField(props: {
  shape: Exclude<Shape, { kind: 'items' | 'object' | 'variants' }>;
  common: CommonProps;
  value: unknown;
  change: (value: unknown) => void;
}): ReactNode {
  const { shape, common, value, change } = props;
  switch (shape.kind) {
    case 'text':
      return <TextField shape={shape} common={common} value={wordOf(value)} change={change} />;
    case 'number':
      return (
        <NumberInput
          {...common}
          {...shape.limits}
          value={typeof value === 'number' ? value : ''}
          onChange={change}
        />
      );
    case 'flag':
      return (
        <Checkbox
          {...common}
          checked={value === true}
          onChange={(event) => change(event.currentTarget.checked)}
        />
      );
    case 'choice':
      return (
        <Select
          {...common}
          data={[...shape.options]}
          value={wordOf(value) || null}
          onChange={change}
          clearable={!common.withAsterisk}
        />
      );
    case 'words':
      return <TagsInput {...common} value={wordsOf(value)} onChange={change} acceptValueOnBlur />;
    case 'json':
      return <JsonField {...{ shape, common, value, change }} />;
  }
}

type CommonProps = {
  readonly label: string;
  readonly description: string | undefined;
  readonly error: string | undefined;
  readonly withAsterisk: boolean;
  readonly size: 'sm';
  readonly 'data-testid': string;
};

function TextField(props: {
  shape: Extract<Shape, { kind: 'text' }>;
  common: CommonProps;
  value: string;
  change: (value: string) => void;
}): ReactNode {
  const { shape, common, value, change } = props;
  const isNeverRemembered = { autoComplete: 'new-password', spellCheck: false };
  if (shape.isLong)
    return (
      <Textarea
        {...common}
        {...isNeverRemembered}
        autosize
        minRows={2}
        maxRows={6}
        classNames={shape.isSecret ? { input: 'admin-hidden-text' } : {}}
        value={value}
        onChange={(event) => change(event.currentTarget.value)}
      />
    );
  const Input = shape.isSecret ? PasswordInput : TextInput;
  return (
    <Input
      {...common}
      {...isNeverRemembered}
      value={value}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}

function Items(
  props: Omit<FieldProps, 'value'> & { value: unknown; item: Extract<Shape, { kind: 'object' }> },
): ReactNode {
  const { field, change, pointer, faults, item } = props;
  const items: readonly unknown[] = Array.isArray(props.value) ? props.value : [];
  return (
    <Fieldset legend={field.label} variant="unstyled">
      <Stack gap="sm">
        {items.map((values, index) => (
          <Group key={index} wrap="nowrap" align="flex-start" className="admin-item">
            <div className="admin-grow">
              <SchemaFields
                shape={item}
                values={valuesOf(values)}
                change={(changed) => change(items.with(index, changed))}
                pointer={`${pointer}/${index}`}
                faults={faults}
              />
            </div>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`${strings.provision.remove} ${field.label} ${index + 1}`}
              onClick={() => change(items.toSpliced(index, 1))}
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
            onClick={() => change([...items, initialOf(item)])}
            data-testid={`add-${field.name}`}
          >
            {field.label}
          </Button>
        </div>
      </Stack>
    </Fieldset>
  );
}

function JsonField(props: {
  shape: Extract<Shape, { kind: 'json' }>;
  common: CommonProps;
  value: unknown;
  change: (value: unknown) => void;
}): ReactNode {
  const { shape, common, value, change } = props;
  const [written, setWritten] = useState(value === undefined ? '' : JSON.stringify(value, null, 2));
  const [isWrong, setIsWrong] = useState(false);
  const write = (next: string): void => {
    setWritten(next);
    try {
      change(next.trim() === '' ? undefined : (JSON.parse(next) as unknown));
      setIsWrong(false);
    } catch {
      setIsWrong(true);
    }
  };
  return (
    <Textarea
      {...common}
      error={isWrong ? text.jsonInvalid : common.error}
      placeholder={text.json}
      autosize
      minRows={2}
      maxRows={10}
      ff="monospace"
      classNames={shape.isSecret ? { input: 'admin-hidden-text' } : {}}
      value={written}
      onChange={(event) => write(event.currentTarget.value)}
    />
  );
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function wordsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];
}

function valuesOf(value: unknown): Values {
  return typeof value === 'object' && value !== null ? (value as Values) : {};
}
