import { offerStateSchema } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { mayAnswer, offerEvents, transitionOffer } from './offer-states.ts';

const states = offerStateSchema.options;
const allowed: Readonly<Record<string, string>> = {
  'Advisory solicit': 'Solicited',
  'Advisory accept': 'Acceptable',
  'Advisory reject': 'Rejected',
  'Solicited accept': 'Acceptable',
  'Solicited reject': 'Rejected',
  'Acceptable reject': 'Rejected',
  'Acceptable agree': 'Acceptable',
};

describe('transitionOffer', () => {
  it.each(states.flatMap((state) => offerEvents.map((event) => [state, event] as const)))(
    '%s, %s',
    (state, event) => {
      const next = transitionOffer(state, event);
      expect(typeof next === 'string' ? next : undefined).toBe(allowed[`${state} ${event}`]);
      if (typeof next !== 'string') expect(next.reason).toContain(state);
    },
  );
});

describe('mayAnswer', () => {
  it.each(states.flatMap((one) => states.map((other) => [one, other] as const)))(
    '%s by %s',
    (answered, answer) => {
      const isFinal = answer === 'Acceptable' || answer === 'Rejected';
      expect(mayAnswer(answered, answer)).toBe(answered !== 'Solicited' || isFinal);
    },
  );
});
