import { Badge } from '@mantine/core';
import type { AgreementState, AgreementView, GuaranteeState } from '@medusa/protocol';
import type { ReactNode } from 'react';
import { strings } from '../../../strings/en.ts';

const text = strings.agreements;
const guaranteeColours: Readonly<Record<GuaranteeState, string>> = {
  NotDetermined: 'gray',
  Fulfilled: 'teal',
  Violated: 'red',
};
const agreementColours: Readonly<Record<AgreementState, string>> = {
  Pending: 'blue',
  PendingAndTerminating: 'yellow',
  Observed: 'teal',
  ObservedAndTerminating: 'yellow',
  Rejected: 'gray',
  Complete: 'gray',
  Terminated: 'gray',
};

export function GuaranteeBadge({ state }: { state: GuaranteeState }): ReactNode {
  return (
    <Badge variant="light" radius="sm" miw="max-content" color={guaranteeColours[state]} data-state={state}>
      {text.states[state]}
    </Badge>
  );
}

export function AgreementBadge(props: { agreement: Pick<AgreementView, 'state' | 'suspension'> }): ReactNode {
  const { state, suspension } = props.agreement;
  const isSuspended = suspension === 'suspended';
  return (
    <Badge
      variant="light"
      radius="sm"
      miw="max-content"
      color={isSuspended ? 'yellow' : agreementColours[state]}
      data-testid="agreement-state"
      data-state={isSuspended ? 'Suspended' : state}
    >
      {isSuspended ? `${state}, ${text.suspended}` : state}
    </Badge>
  );
}
