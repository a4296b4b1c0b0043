import { ActionIcon, Table } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';

type ExpandableRow = {
  readonly id: string;
  readonly cells: readonly ReactNode[];
  readonly details: () => ReactNode;
};

type Props = {
  readonly label: string;
  readonly columns: readonly string[];
  readonly rows: readonly ExpandableRow[];
  readonly empty: string;
  readonly testId: string;
};

/** A table whose rows open to show more. */
export function ExpandableRows({ label, columns, rows, empty, testId }: Props): ReactNode {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <Table verticalSpacing="xs" aria-label={label} data-testid={testId}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={34} aria-label={strings.admin.details} />
          {columns.map((column) => (
            <Table.Th key={column}>{column}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.length === 0 && (
          <Table.Tr>
            <Table.Td />
            <Table.Td colSpan={columns.length} c="dimmed">
              {empty}
            </Table.Td>
          </Table.Tr>
        )}
        {rows.map((row) => (
          <Row
            key={row.id}
            row={row}
            columns={columns}
            isOpen={open === row.id}
            toggle={() => setOpen(open === row.id ? null : row.id)}
          />
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Row(props: {
  row: ExpandableRow;
  columns: readonly string[];
  isOpen: boolean;
  toggle: () => void;
}): ReactNode {
  const { row, columns, isOpen, toggle } = props;
  return (
    <>
      <Table.Tr data-testid="admin-row" data-id={row.id}>
        <Table.Td>
          <ActionIcon
            size="sm"
            variant="subtle"
            color="gray"
            aria-label={strings.admin.details}
            aria-expanded={isOpen}
            onClick={toggle}
          >
            {isOpen ? <IconChevronDown size={16} /> : <IconChevronRight size={16} />}
          </ActionIcon>
        </Table.Td>
        {row.cells.map((cell, index) => (
          <Table.Td key={columns[index]} className="medusa-numeric">
            {cell}
          </Table.Td>
        ))}
      </Table.Tr>
      {isOpen && (
        <Table.Tr>
          <Table.Td />
          <Table.Td colSpan={columns.length}>{row.details()}</Table.Td>
        </Table.Tr>
      )}
    </>
  );
}
