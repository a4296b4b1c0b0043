import { AppError, toProblem, type Ack } from '@medusa/protocol';
import type { Logger } from 'pino';

type Answering = <Value>(
  act: (payload: unknown) => Promise<Value>,
) => (payload: unknown, answer: (ack: Ack<Value>) => void) => void;

/** Makes listeners that answer the broker with what they did, or with the problem (RFC 9457). */
export function answeringWith(log: Logger): Answering {
  return (act) => (payload, answer) => {
    act(payload).then(
      (value) => answer({ ok: true, value }),
      (error: unknown) => {
        if (!(error instanceof AppError)) log.error({ err: error }, 'the broker asked in vain');
        answer({ ok: false, problem: toProblem(error, 'storage') });
      },
    );
  };
}
