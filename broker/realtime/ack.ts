import { randomUUID } from 'node:crypto';
import { parseInput, toProblem, type Ack } from '@medusa/protocol';
import type { Logger } from 'pino';
import type { z } from 'zod';

type Handler<Input, Value> = (input: Input) => Promise<Value>;
/** Told of every refusal, for the audit trail. */
type OnRefused = (name: string, code: string) => void;

export type Answering = {
  /** An event with a payload and an acknowledgement. Whatever comes is parsed; whatever fails is answered. */
  on<Input, Value>(name: string, schema: z.ZodType<Input>, handle: Handler<Input, Value>): void;
  /** An event with an acknowledgement alone. */
  onAsk<Value>(name: string, handle: () => Promise<Value>): void;
  /** An event without an acknowledgement: what does not parse is dropped. */
  onTold<Input>(name: string, schema: z.ZodType<Input>, handle: (input: Input) => void): void;
};

/** What a socket must be able to do here: socket.io's own type is tied to one event map each. */
export type EventSource = { on(name: string, listener: (...args: unknown[]) => void): unknown };

/** The same answer for every event: `{ ok: true, value }` or `{ ok: false, problem }`. */
export function answering(socket: EventSource, log: Logger, onRefused: OnRefused): Answering {
  const answer = async <Value>(name: string, ack: unknown, act: () => Promise<Value>): Promise<void> => {
    let outcome: Ack<Value>;
    try {
      outcome = { ok: true, value: await act() };
    } catch (error) {
      const problem = toProblem(error, `urn:uuid:${randomUUID()}`);
      if (problem.status >= 500)
        log.error({ err: error, instance: problem.instance, event: name }, problem.title);
      if (problem.status === 401 || problem.status === 403) onRefused(name, problem.code);
      outcome = { ok: false, problem };
    }
    if (typeof ack === 'function') (ack as (outcome: Ack<Value>) => void)(outcome);
  };
  return {
    on(name, schema, handle) {
      socket.on(
        name,
        (payload, ack) => void answer(name, ack, async () => handle(parseInput(schema, payload))),
      );
    },
    onAsk(name, handle) {
      socket.on(name, (...args) => void answer(name, args.at(-1), handle));
    },
    onTold(name, schema, handle) {
      socket.on(name, (payload) => {
        const parsed = schema.safeParse(payload);
        if (parsed.success) handle(parsed.data);
        else log.warn({ event: name }, 'event dropped: it does not fit its schema');
      });
    },
  };
}
