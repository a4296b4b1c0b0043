import { ActionIcon, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';

/** A button of the viewer's bar that is but a picture; its label is its tool tip. */
export function BarButton(props: {
  label: string;
  act: () => void;
  icon: ReactNode;
  testId: string;
  isOn?: boolean;
}): ReactNode {
  return (
    <Tooltip label={props.label}>
      <ActionIcon
        variant={props.isOn ? 'light' : 'subtle'}
        color={props.isOn ? 'teal' : 'gray'}
        aria-label={props.label}
        aria-pressed={props.isOn}
        onClick={props.act}
        data-testid={props.testId}
      >
        {props.icon}
      </ActionIcon>
    </Tooltip>
  );
}
