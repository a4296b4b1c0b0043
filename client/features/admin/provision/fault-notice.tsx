import { Alert, List } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { errorText } from '../../../ui/error-text.ts';
import { faultsOf } from './faults.ts';

/** Why a form was not taken, point by point. */
export function FaultNotice({ error }: { error: unknown }): ReactNode {
  if (error === null || error === undefined) return null;
  const { title, help } = errorText(error);
  const faults = [...faultsOf(error)];
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle />} title={title} role="alert">
      {faults.length === 0 ? (
        help
      ) : (
        <List size="sm">
          {faults.map(([pointer, message]) => (
            <List.Item key={pointer}>
              {pointer}: {message}
            </List.Item>
          ))}
        </List>
      )}
    </Alert>
  );
}
