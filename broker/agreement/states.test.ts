import { agreementStateSchema, type AgreementState } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import {
  agreementEvents,
  occiStateOf,
  transition,
  transitionGuarantee,
  type AgreementEvent,
  type Standing,
} from './states.ts';

const allowed: Readonly<Record<string, string>> = {
  'Pending accept': 'Observed',
  'Pending reject': 'Rejected',
  'Pending request-termination': 'PendingAndTerminating',
  'Pending expire': 'Rejected',
  'PendingAndTerminating accept': 'ObservedAndTerminating',
  'PendingAndTerminating reject': 'Rejected',
  'PendingAndTerminating terminate': 'Terminated',
  'PendingAndTerminating expire': 'Rejected',
  'Observed request-termination': 'ObservedAndTerminating',
  'Observed expire': 'Complete',
  'Observed suspend': 'Observed, suspended',
  'Observed, suspended request-termination': 'ObservedAndTerminating, suspended',
  'Observed, suspended expire': 'Complete',
  'Observed, suspended resume': 'Observed',
  'ObservedAndTerminating terminate': 'Terminated',
  'ObservedAndTerminating expire': 'Complete',
  'ObservedAndTerminating suspend': 'ObservedAndTerminating, suspended',
  'ObservedAndTerminating, suspended terminate': 'Terminated',
  'ObservedAndTerminating, suspended expire': 'Complete',
  'ObservedAndTerminating, suspended resume': 'ObservedAndTerminating',
};
const standings: readonly Standing[] = [
  ...agreementStateSchema.options.map((state) => ({ state, suspension: 'none' as const })),
  { state: 'Observed', suspension: 'suspended' },
  { state: 'ObservedAndTerminating', suspension: 'suspended' },
];
const print = ({ state, suspension }: Standing): string =>
  suspension === 'none' ? state : `${state}, ${suspension}`;

describe('transition', () => {
  it.each(
    standings.flatMap((standing) =>
      agreementEvents.map((event) => [print(standing), event, standing] as const),
    ),
  )('%s, %s', (words: string, event: AgreementEvent, standing: Standing) => {
    const next = transition(standing, event);
    expect('kind' in next ? undefined : print(next)).toBe(allowed[`${words} ${event}`]);
    if ('kind' in next) expect(next.reason).not.toBe('');
  });
});

describe('occiStateOf', () => {
  it.each([
    ['Pending', 'pending'],
    ['PendingAndTerminating', 'pending'],
    ['Observed', 'accepted'],
    ['ObservedAndTerminating', 'accepted'],
    ['Rejected', 'rejected'],
    ['Complete', 'terminated'],
    ['Terminated', 'terminated'],
  ] as const)('%s is %s', (state: AgreementState, expected) => {
    expect(occiStateOf({ state, suspension: 'none' })).toBe(expected);
  });

  it('shows a suspension', () => {
    expect(occiStateOf({ state: 'Observed', suspension: 'suspended' })).toBe('suspended');
  });
});

describe('transitionGuarantee', () => {
  it.each(
    standings.flatMap((standing) =>
      [true, false, undefined].map((met) => [print(standing), met, standing] as const),
    ),
  )('%s, met: %s', (words: string, met: boolean | undefined, standing: Standing) => {
    const isWatched = words === 'Observed' || words === 'ObservedAndTerminating';
    const verdict = met === undefined ? 'NotDetermined' : met ? 'Fulfilled' : 'Violated';
    expect(transitionGuarantee(standing, met)).toBe(isWatched ? verdict : 'NotDetermined');
  });
});
