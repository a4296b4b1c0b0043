import { Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** Names and values, side by side. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: string])[] }): ReactNode {
  return (
    <dl className="admin-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <Text component="dt" size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="dd" size="sm" m={0} className="medusa-numeric">
            {value}
          </Text>
        </div>
      ))}
    </dl>
  );
}
