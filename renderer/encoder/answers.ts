import type { Answer, InjectedInput } from './messages.ts';

/** A frame that was sent. */
type SentFrame = Omit<Answer, 'input'>;

/** Damage that comes later than this is not the answer to an input. */
const inputAnswerMs = 1_000;

/** Which frame shows what an input did: the first of what was drawn after it. A picture that has not changed since shows nothing of it. */
export type Answers = {
  /** The word of an input may come after the frame that answers it. @returns that frame, when it was sent */
  note(input: InjectedInput): Answer | undefined;
  /** What was drawn until then is in the latest grab. */
  drawn(atMs: number): void;
  /** Whether damage of that time may be an answer. */
  isDue(damagedAtMs: number): boolean;
  /** @returns the input that this frame, which is being sent, answers */
  shownBy(frame: SentFrame): InjectedInput | null;
};

export function createAnswers(): Answers {
  let input: InjectedInput | null = null;
  let drawnMs = -Infinity;
  let latest: SentFrame | undefined;
  const take = ({ timing }: SentFrame): InjectedInput | null => {
    if (!input || drawnMs < input.injectedAtMs) return null;
    const { injectedAtMs } = input;
    const answered = timing.grabbedAtMs - injectedAtMs < inputAnswerMs ? input : null;
    input = null;
    return answered;
  };
  return {
    note(noted) {
      input = noted;
      // A later grab, that is not sent yet, may show more.
      if (!latest || latest.timing.grabbedAtMs < drawnMs) return undefined;
      const answered = take(latest);
      return answered ? { ...latest, input: answered } : undefined;
    },
    drawn(atMs) {
      drawnMs = atMs;
    },
    isDue: (damagedAtMs) => input !== null && damagedAtMs >= input.injectedAtMs,
    shownBy({ rtpTimestamp, timing }) {
      latest = { rtpTimestamp, timing };
      return take(latest);
    },
  };
}
