import {
  ackSchema,
  type Ack,
  type BrokerToNode,
  deleteRecordingSchema,
  type NodeToBroker,
  parseInput,
  readRecordingSchema,
  type RecordingTold,
  startRecordingSchema,
  stopRecordingSchema,
} from '@medusa/protocol';
import type { Logger } from 'pino';
import type { Socket } from 'socket.io-client';
import { z } from 'zod';
import type { Recordings } from '../recording/index.ts';
import type { Sessions } from '../session/index.ts';

type Deps = {
  readonly socket: Socket<BrokerToNode, NodeToBroker>;
  readonly recordings: Recordings;
  readonly sessions: Sessions;
  readonly answer: <Value>(answer: (ack: Ack<Value>) => void, work: () => Value | Promise<Value>) => void;
  readonly log: Logger;
};

const acknowledgementMs = 10_000;
const deliverySchema = ackSchema(z.null());

/** Recordings as the broker wishes them, and what became of them; `repeat` after each registration, for what was told meanwhile is lost. */
export function linkRecordings(deps: Deps): Disposable & { repeat: () => void } {
  const { socket, recordings, sessions, answer, log } = deps;
  socket.on('recording.start', (request, ack) =>
    answer(ack, async () => {
      const wanted = parseInput(startRecordingSchema, request);
      await recordings.start(wanted, sessions.find(wanted.sessionId));
      return null;
    }),
  );
  socket.on('recording.stop', (request, ack) =>
    answer(ack, () => {
      const { recordingId, reason } = parseInput(stopRecordingSchema, request);
      recordings.stop(recordingId, reason);
      return null;
    }),
  );
  socket.on('recording.read', (request, ack) =>
    answer(ack, async () => {
      const { recordingId, ...range } = parseInput(readRecordingSchema, request);
      return { bytes: await recordings.read(recordingId, range) };
    }),
  );
  socket.on('recording.delete', (request, ack) =>
    answer(ack, async () => {
      await recordings.delete(parseInput(deleteRecordingSchema, request).recordingId);
      return null;
    }),
  );
  const tell = async (told: RecordingTold): Promise<void> => {
    const reply: unknown = await socket.timeout(acknowledgementMs).emitWithAck('recording.told', told);
    const ack = deliverySchema.parse(reply);
    if (ack.ok) await recordings.heard(told);
    else log.warn({ code: ack.problem.code, recordingId: told.recordingId }, 'broker refused a recording');
  };
  const tellIfThere = (told: RecordingTold): void => {
    // Without a link all are told when it is back.
    if (socket.connected) tell(told).catch((error: unknown) => log.debug({ err: error }, 'not told'));
  };
  const stack = new DisposableStack();
  stack.use(recordings.events.on('told', tellIfThere));
  stack.use(
    sessions.events.on('told', ({ sessionId, event }) => {
      if (event.kind === 'closed' || event.kind === 'failed') recordings.stopOf(sessionId, 'session-ended');
    }),
  );
  return {
    repeat: () => {
      for (const told of recordings.all()) tellIfThere(told);
    },
    [Symbol.dispose]: () => stack.dispose(),
  };
}
