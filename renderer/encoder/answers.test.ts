import { participantIdSchema } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { createAnswers } from './answers.ts';
import type { AccessUnit, InjectedInput } from './messages.ts';

const participantId = participantIdSchema.parse('participant-1');
const inputAt = (injectedAtMs: number): InjectedInput => ({ sequence: 1, participantId, injectedAtMs });
const frameOf = (grabbedAtMs: number): Pick<AccessUnit, 'rtpTimestamp' | 'timing'> => ({
  rtpTimestamp: grabbedAtMs * 90,
  timing: { damagedAtMs: null, grabbedAtMs, grabMs: 1, convertMs: 1, encodeMs: 1 },
});

describe('the frame that answers an input', () => {
  it('is the first one of what was drawn after it', () => {
    const answers = createAnswers();
    answers.drawn(5);
    const input = inputAt(10);

    expect(answers.note(input)).toBeUndefined();

    expect(answers.isDue(9)).toBe(false);
    expect(answers.shownBy(frameOf(12))).toBeNull();
    expect(answers.isDue(15)).toBe(true);
    answers.drawn(15);
    expect(answers.shownBy(frameOf(16))).toEqual(input);
    expect(answers.shownBy(frameOf(30))).toBeNull();
  });

  it('may have been sent before the word of the input came', () => {
    const answers = createAnswers();
    answers.drawn(15);
    answers.shownBy(frameOf(16));
    const input = inputAt(10);

    expect(answers.note(input)).toEqual({ ...frameOf(16), input });

    answers.drawn(20);
    expect(answers.shownBy(frameOf(21))).toBeNull();
  });

  it('is not the one before, while that with the answer is being encoded', () => {
    const answers = createAnswers();
    answers.drawn(5);
    answers.shownBy(frameOf(6));
    answers.drawn(15);
    const input = inputAt(10);

    expect(answers.note(input)).toBeUndefined();

    expect(answers.shownBy(frameOf(16))).toEqual(input);
  });

  it('is none when what is drawn comes much later', () => {
    const answers = createAnswers();
    answers.note(inputAt(10));
    answers.drawn(2_000);

    expect(answers.shownBy(frameOf(2_001))).toBeNull();

    answers.drawn(2_010);
    expect(answers.shownBy(frameOf(2_011))).toBeNull();
  });
});
