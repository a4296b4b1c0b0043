import { AppError, type StartSession } from '@medusa/protocol';
import type { Gate } from '../application/index.ts';
import { untilWindowShown, type VirtualDisplay } from '../display/index.ts';
import type { Encoder } from '../encoder/index.ts';

/** A page of our own says itself when it shows a picture; other programs show a window and draw in it. */
export async function untilApplicationShows(
  kind: StartSession['application']['kind'],
  started: {
    readonly display: VirtualDisplay;
    readonly gate: Gate;
    readonly report: (error: unknown) => void;
  },
  signal: AbortSignal,
): Promise<void> {
  const { display, gate, report } = started;
  if (kind === 'x11') return untilWindowShown(display.address, signal, report);
  const shown = Promise.withResolvers<undefined>();
  const listening = gate.events.on('view', (view) => view.ready && shown.resolve(undefined));
  await untilAborted(shown, signal);
  listening[Symbol.dispose]();
}

/** @param sinceMs by `monotonicMs`. */
export async function untilFrameAfter(sinceMs: number, encoder: Encoder, signal: AbortSignal): Promise<void> {
  const sent = Promise.withResolvers<undefined>();
  const listening = encoder.events.on('access-unit', (unit) => {
    if (unit.timing.grabbedAtMs >= sinceMs) sent.resolve(undefined);
  });
  // The picture may be still already: ask for the frame that shows it.
  encoder.requestKeyframe('main');
  await untilAborted(sent, signal);
  listening[Symbol.dispose]();
}

async function untilAborted(waiting: PromiseWithResolvers<undefined>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  signal.addEventListener('abort', () => waiting.reject(launchError(signal)), { once: true });
  await waiting.promise;
}

function launchError(signal: AbortSignal): AppError {
  if (signal.reason instanceof AppError) return signal.reason;
  return new AppError('session.start-failed', 'The application showed nothing in time', {
    cause: signal.reason,
  });
}
