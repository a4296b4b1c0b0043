import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { type Answer, type Encoder, monotonicMs } from '../encoder/index.ts';
import type { SessionStream } from '../sfu/index.ts';
import type { SessionInput } from './session-input.ts';
import type { SessionStatistics } from './session-statistics.ts';

/** Where the picture goes: to the participants, or to the node that shows it to them. */
export type PictureStream = Pick<
  SessionStream,
  'push' | 'answer' | 'removeParticipant' | 'participantIds' | 'connectedParticipants' | 'targetKbps'
> & {
  readonly events: SessionStream['events'];
  readonly display: Pick<SessionStream['display'], 'announce'>;
  /** Absent where pictures go to another node: what they cost there is spared. */
  readonly stills?: Pick<SessionStream['stills'], 'take' | 'events'>;
};

type Wired = {
  readonly encoder: Encoder;
  readonly stream: PictureStream;
  readonly input: SessionInput;
  readonly statistics: SessionStatistics;
  readonly log: Logger;
};

const statisticsIntervalMs = 1_000;
const restingIntervals = 10;

/** What the encoder makes goes to the stream, what participants want and do goes back. Both end with the session: only the clock is undone. */
export function wirePicture({ encoder, stream, input, statistics, log }: Wired): Disposable {
  encoder.events.on('access-unit', (unit) => {
    stream.push(unit);
    if (unit.layer !== 'main') return;
    statistics.count(unit);
    if (unit.input) tellAnswer(stream, { ...unit, input: unit.input });
  });
  encoder.events.on('answer', (answer) => tellAnswer(stream, answer));
  encoder.events.on('still', (event) => stream.stills?.take(event));
  stream.stills?.events.on('wanted', (isWanted) => encoder.wantStills(isWanted));
  encoder.events.on('grays', (ramp) => {
    log.info({ ...ramp }, 'grays measured');
    stream.display.announce({ kind: 'grays', ...ramp });
  });
  stream.events.on('keyframe-wanted', (layer) => encoder.requestKeyframe(layer));
  stream.events.on('bitrate', (kbps) => encoder.setBitrate(kbps));
  stream.events.on('weak-bitrate', (kbps) => encoder.setWeakBitrate(kbps));
  stream.events.on('input', (participantId, message) => input.take(participantId, message));
  stream.events.on('participant-gone', (participantId) => input.forget(participantId));
  let told: object | undefined;
  let sinceTold = 0;
  const timer = setInterval(() => {
    const { framesPerSecond, sentKbps } = statistics.take(monotonicMs());
    const { connectedParticipants, targetKbps } = stream;
    const news = { framesPerSecond, sentKbps, targetKbps, connectedParticipants };
    sinceTold += 1;
    // A picture at rest is told of seldom: it is to cost next to nothing.
    const isDue = sinceTold >= restingIntervals || !isDeepStrictEqual(news, told);
    if (connectedParticipants === 0 || !isDue) return;
    [told, sinceTold] = [news, 0];
    stream.display.announce({
      ...{ kind: 'statistics', encoder: encoder.name, codec: 'H.264', targetKbps },
      ...{ framesPerSecond, sentKbps },
    });
  }, statisticsIntervalMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** The frame that shows first what an input did, and where its time went. */
function tellAnswer({ display }: PictureStream, { rtpTimestamp, timing, input }: Answer): void {
  display.announce({
    kind: 'frame',
    rtpTimestamp,
    inputSequence: input.sequence,
    participantId: input.participantId,
    waitMs: timing.grabbedAtMs - input.injectedAtMs,
    grabMs: timing.grabMs + timing.convertMs,
    encodeMs: timing.encodeMs,
  });
}
