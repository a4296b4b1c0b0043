import { agreementOfferSchema, agreementStateSchema, type AgreementState } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { lifeOf } from './agreement-life.ts';

const now = Date.UTC(2026, 2, 7, 12);
const offer = (expirationTime?: string) =>
  agreementOfferSchema.parse({
    id: 'gold-1',
    context: {
      ...{ initiator: 'hospital', responder: 'medusa', serviceProvider: 'AgreementResponder' },
      ...{ templateId: 'gold', ...(expirationTime !== undefined && { expirationTime }) },
    },
    terms: {
      kind: 'All',
      terms: [
        {
          kind: 'ServiceDescriptionTerm',
          name: 'a',
          serviceName: 'a',
          manifest: { name: 'radiology-archive' },
        },
      ],
    },
  });
const life = (state: AgreementState, expires?: string, suspension: 'none' | 'suspended' = 'none'): string =>
  lifeOf({ state, suspension, document: offer(expires) }, now);

describe('the life of an agreement', () => {
  it('begins with its observation and ends with its end, in every state', () => {
    expect(Object.fromEntries(agreementStateSchema.options.map((state) => [state, life(state)]))).toEqual({
      Pending: 'not-now',
      PendingAndTerminating: 'not-now',
      Observed: 'observed',
      ObservedAndTerminating: 'observed',
      Rejected: 'over',
      Complete: 'over',
      Terminated: 'over',
    });
  });

  it('ends in the moment it expires, though nobody has looked yet', () => {
    expect(life('Observed', '2026-03-07T13:00:00+01:00')).toBe('over');
    expect(life('Pending', '2026-03-07T13:00:00+01:00')).toBe('over');
    expect(life('Observed', '2026-03-07T12:00:00.001Z')).toBe('observed');
  });

  it('is interrupted while it is suspended', () => {
    expect(life('Observed', undefined, 'suspended')).toBe('not-now');
  });
});
