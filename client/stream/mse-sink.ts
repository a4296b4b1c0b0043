import type { WholeFrame } from './frame-assembler.ts';
import type { FrameSink, SinkListeners } from './frame-sink.ts';
import type { FrameTimes } from './frame-times.ts';
import { mp4Beginning, mp4Fragment, mp4TicksPerSecond } from './fragmented-mp4.ts';
import { nalTypeOf, nalTypes, readSequence, splitAnnexB } from './h264.ts';
import { play } from './play-stream.ts';

/** So long a frame stays if none follows; the playhead rests at its end. */
const frameSeconds = 10;
/** What later pictures build upon is kept until a keyframe: before browsers refuse more, one is asked for. */
const mostKeptBytes = 16 * 1_024 * 1_024;
/** The playhead must be well beyond what is let go. */
const leastBehindSeconds = 1;
/** A player that ran dry may wait for several frames to go on, and of a picture at rest there comes but one: then it is sent there. */
const showWithinMs = 250;
/** Browsers count in µs. */
const roundingSeconds = 2e-6;
const sliceTypes: readonly number[] = [nalTypes.slice, nalTypes.keyframeSlice];

/**
 * For browsers that do not let pages decode: hands the frames to the <video> as a film in fragments. Each gets the time at which the
 * playhead is, so that it is shown at once, and lasts until the next.
 */
export class MseSink implements FrameSink {
  readonly #times: FrameTimes;
  readonly #listeners: SinkListeners;
  readonly #waiting: WholeFrame[] = [];
  #video: HTMLVideoElement | undefined;
  #media: MediaSource | undefined;
  #buffer: SourceBuffer | undefined;
  #appending: WholeFrame | undefined;
  /** Of the film as it was begun last. */
  #codec: string | undefined;
  #parameters: string | undefined;
  #fragments = 0;
  #lastTicks = -1;
  #keyframeSeconds = 0;
  #keptFromSeconds = 0;
  #keptBytes = 0;
  #shownSeconds = -1;
  #showTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(times: FrameTimes, listeners: SinkListeners) {
    this.#times = times;
    this.#listeners = listeners;
  }

  take(frame: WholeFrame): void {
    this.#waiting.push(frame);
    this.#pump();
  }

  /** A film for each element: browsers let none of them be played twice. */
  attach(video: HTMLVideoElement): () => void {
    const media = new MediaSource();
    const url = URL.createObjectURL(media);
    const failed = (): void => this.#listeners.failed(video.error);
    this.#begin(video, media);
    media.addEventListener('sourceopen', () => {
      URL.revokeObjectURL(url);
      this.#pump();
    });
    video.srcObject = null;
    video.src = url;
    video.addEventListener('error', failed);
    play(video);
    let handle = 0;
    const shown = (_now: number, { mediaTime }: VideoFrameCallbackMetadata): void => {
      this.#shownSeconds = mediaTime;
      handle = video.requestVideoFrameCallback(shown);
    };
    handle = video.requestVideoFrameCallback(shown);
    return () => {
      video.removeEventListener('error', failed);
      video.cancelVideoFrameCallback(handle);
      clearTimeout(this.#showTimer);
    };
  }

  close(): void {
    clearTimeout(this.#showTimer);
    this.#waiting.length = 0;
    this.#media = undefined;
  }

  /** What was told to a film before is gone. */
  #begin(video: HTMLVideoElement, media: MediaSource): void {
    const unfinished = this.#appending;
    [this.#video, this.#media] = [video, media];
    [this.#buffer, this.#appending, this.#codec, this.#parameters] = [
      undefined,
      undefined,
      undefined,
      undefined,
    ];
    [this.#lastTicks, this.#keyframeSeconds, this.#keptFromSeconds] = [-1, 0, 0];
    this.#shownSeconds = -1;
    if (this.#fragments > 0) this.#listeners.lost();
    if (unfinished) this.#listeners.taken(unfinished, true);
  }

  #pump(): void {
    const [frame] = this.#waiting;
    if (!frame || !this.#isIdle || this.#letGo()) return;
    this.#waiting.shift();
    if (!this.#buffer && !frame.isKeyframe) {
      this.#listeners.lost();
      this.#listeners.taken(frame, true);
      this.#pump();
      return;
    }
    try {
      this.#append(frame);
    } catch (error) {
      this.#listeners.failed(error);
    }
  }

  #append(frame: WholeFrame): void {
    const { rtpTimestamp, receivedAt, isKeyframe } = frame;
    const units = splitAnnexB(frame.bytes);
    const parts = isKeyframe ? this.#introduce(units) : [];
    if (!this.#buffer) throw new Error('The picture is of a kind that is not known');
    const atTicks = Math.max(this.#lastTicks + 1, Math.round(this.#playheadSeconds * mp4TicksPerSecond));
    this.#lastTicks = atTicks;
    this.#fragments += 1;
    const slices = units.filter((unit) => sliceTypes.includes(nalTypeOf(unit)));
    const times = { atTicks, durationTicks: frameSeconds * mp4TicksPerSecond };
    parts.push(mp4Fragment({ units: slices, isKeyframe, sequenceNumber: this.#fragments, ...times }));

    this.#times.note({ mediaUs: (atTicks / mp4TicksPerSecond) * 1e6, rtpTimestamp, receivedAt });
    if (isKeyframe) this.#noteKeyframe(atTicks / mp4TicksPerSecond);
    this.#keptBytes += frame.bytes.length;
    this.#appending = frame;
    this.#buffer.appendBuffer(joined(parts));
  }

  /** @returns what must come before a keyframe whose parameters are others than those before. */
  #introduce(units: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer>[] {
    const [sequence, picture] = [nalTypes.sequence, nalTypes.picture].map((type) =>
      units.find((unit) => nalTypeOf(unit) === type),
    );
    const stream = sequence && readSequence(sequence);
    const parameters = `${sequence?.join()} ${picture?.join()}`;
    if (!stream || !picture || parameters === this.#parameters) return [];
    this.#parameters = parameters;
    const type = `video/mp4; codecs="${stream.codec}"`;
    if (!this.#buffer) this.#buffer = this.#media && this.#openBuffer(this.#media, type);
    else if (stream.codec !== this.#codec) this.#buffer.changeType(type);
    this.#codec = stream.codec;
    return [mp4Beginning({ ...stream, sequence, picture })];
  }

  #openBuffer(media: MediaSource, type: string): SourceBuffer {
    const buffer = media.addSourceBuffer(type);
    buffer.addEventListener('updateend', () => {
      if (buffer !== this.#buffer) return;
      const done = this.#appending;
      this.#appending = undefined;
      if (done) this.#listeners.taken(done, this.#keptBytes > mostKeptBytes);
      clearTimeout(this.#showTimer);
      this.#showTimer = setTimeout(() => this.#seeThatItShows(), showWithinMs);
      this.#pump();
    });
    return buffer;
  }

  /** Up to which all may go once the playhead is well beyond; another one before that changes nothing. */
  #noteKeyframe(atSeconds: number): void {
    this.#keptBytes = 0;
    if (this.#keyframeSeconds <= this.#keptFromSeconds) this.#keyframeSeconds = atSeconds;
  }

  /** @returns whether that is being done. */
  #letGo(): boolean {
    const isOver = this.#playheadSeconds > this.#keyframeSeconds + leastBehindSeconds;
    if (!this.#buffer || !isOver || this.#keyframeSeconds <= this.#keptFromSeconds) return false;
    this.#keptFromSeconds = this.#keyframeSeconds;
    this.#buffer.remove(0, this.#keyframeSeconds);
    return true;
  }

  #seeThatItShows(): void {
    const lastSeconds = this.#lastTicks / mp4TicksPerSecond;
    if (!this.#video || document.visibilityState !== 'visible') return;
    const isShown = this.#shownSeconds >= lastSeconds - roundingSeconds;
    if (!isShown) this.#video.currentTime = lastSeconds + roundingSeconds;
  }

  get #isIdle(): boolean {
    return !this.#appending && this.#media?.readyState === 'open' && this.#buffer?.updating !== true;
  }

  get #playheadSeconds(): number {
    return this.#video?.currentTime ?? 0;
  }
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
