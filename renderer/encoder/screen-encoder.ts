import { setTimeout as sleep } from 'node:timers/promises';
import { TypedEmitter } from '@medusa/kernel';
import type { PictureLayer } from '@medusa/protocol';
import { XConnection } from '../display/index.ts';
import { createAnswers } from './answers.ts';
import { H264Encoder, type H264Options } from './h264-encoder.ts';
import {
  type AccessUnit,
  type Answer,
  type EncoderSettings,
  type InjectedInput,
  monotonicMs,
  type Thrift,
} from './messages.ts';
import { createPictureKinds } from './picture-kind.ts';
import { createRhythm, type Rhythm } from './rhythm.ts';
import { ScreenSource } from './screen-source.ts';
import { StillMaker } from './still-maker.ts';
import { WeakLayer } from './weak-layer.ts';

type Size = { readonly widthPx: number; readonly heightPx: number };
type Pipeline = { readonly source: ScreenSource; readonly encoder: H264Encoder };

type Pace = {
  readonly movingCrf: number;
  /** On a wide path. */
  readonly wideCrf: number;
  readonly stillCrf: number;
  /** When to send a still picture again after its last change, so that it gets sharp: ms after the frame before. */
  readonly settleDelaysMs: readonly number[];
};
/**
 * A CT slice of 512² on 1280×720 takes 74 kB at 12, 26 kB at 20 and 3 kB at 33 when the slice before is known; one that is scrolled
 * past is not sharpened.
 */
const paces: Readonly<Record<Thrift, Pace>> = {
  plenty: { wideCrf: 10, movingCrf: 12, stillCrf: 12, settleDelaysMs: [50, 100, 150, 250, 400] },
  spare: { wideCrf: 33, movingCrf: 33, stillCrf: 18, settleDelaysMs: [600, 400] },
};
/** A keyframe costs many times a frame; viewers who ask together share one. */
const keyframeIntervalMs = 400;
/**
 * Many applications draw a picture in several requests. A grab between two of them would show half of it and cost the other
 * half a frame's turn, so damage must have been quiet for this long, but never holds a frame back for longer than `most`.
 * One that has drawn each of its last pictures by one request is not waited for.
 */
const quietMs = 3;
const briefQuietMs = 0.5;
const mostQuietWaitMs = 12;
const rememberedFrames = 60;
/** A rate that is low makes few good frames rather than many poor ones. */
const kbpsOfAFrame = 100;
const leastFramesPerSecond = 10;
/** What an input changed does not wait for its whole turn among the frames. */
const turnOfAnAnswer = 0.5;
/** A link that carries this much brings the lossless still sooner than frames settle: then it replaces them. */
const stillKbps = 3_000;
/** How soon to look again when damage turned out to change nothing. */
const lookIntervalMs = 8;
/** How long the command to resize may follow behind the display's new size. */
const resizeWaitMs = 1_000;

/**
 * Encodes a display when it changes, and only then. One loop: wait for damage, grab, convert, encode, tell; so there is
 * never more than one frame in it, and a slow machine gives fewer frames, not older ones.
 */
export class ScreenEncoder {
  readonly events: TypedEmitter<{ 'access-unit': [accessUnit: AccessUnit]; answer: [answer: Answer] }>;
  readonly stills: StillMaker;
  readonly #weak: WeakLayer;
  readonly #kinds = createPictureKinds();
  readonly #answers = createAnswers();
  readonly #rhythm: Rhythm;
  readonly #settings: EncoderSettings;
  readonly #pace: Pace;
  #pipeline: Pipeline;
  #wantedSize: Size | undefined;
  #kbps: number;
  #damagedAtMs: number | undefined;
  #lastDamageMs = -Infinity;
  /** For so many frames more it is believed that pictures are drawn in pieces. */
  #piecemealFrames = rememberedFrames;
  #settlesLeft = 0;
  #isKeyframeWanted = true;
  #lastKeyframeMs = -Infinity;
  #lastFrameMs = -Infinity;
  #lastLookMs = -Infinity;
  #lastTicks = 0n;
  #wake: (() => void) | undefined;

  static async open(settings: EncoderSettings, report: (error: unknown) => void): Promise<ScreenEncoder> {
    const encoder = new ScreenEncoder(settings, await openPipeline(settings, settings.kbps), report);
    const address = { displayName: settings.displayName, cookie: Buffer.from(settings.cookie) };
    const connection = await XConnection.open(address, {
      report,
      lost: () => report(new Error('The X server went away')),
    });
    const damage = await connection.extension('damage');
    const id = connection.client.AllocID();
    connection.client.on('event', () => {
      damage.Subtract(id, 0, 0);
      encoder.#noteDamage();
    });
    damage.Create(id, connection.root, damage.ReportLevel.NonEmpty);
    return encoder;
  }

  private constructor(settings: EncoderSettings, pipeline: Pipeline, report: (error: unknown) => void) {
    this.#settings = settings;
    this.#pace = paces[settings.thrift];
    this.#pipeline = pipeline;
    this.#kbps = settings.kbps;
    this.#rhythm = createRhythm(settings.framesPerSecond);
    this.events = new TypedEmitter(report);
    this.stills = new StillMaker(report);
    this.#weak = new WeakLayer(report);
    this.#weak.events.on('access-unit', (unit) => {
      this.events.emit('access-unit', unit);
      this.#wake?.();
    });
  }

  /** Of the pictures that are sent now. */
  get codecSettings(): H264Options {
    const { width: widthPx, height: heightPx } = this.#pipeline.source.frame;
    return codecSettingsOf({ ...this.#settings, widthPx, heightPx }, this.#kbps);
  }

  requestKeyframe(layer: PictureLayer): void {
    if (layer === 'weak') this.#weak.requestKeyframe();
    else this.#isKeyframeWanted = true;
    this.#wake?.();
  }

  setBitrate(kbps: number): void {
    this.#kbps = kbps;
    this.#pipeline.encoder.setBitrate(kbps, this.#turnsPerSecond);
  }

  /** As many pictures as come: those that do not leave their part of the bit rate to the others. */
  get #turnsPerSecond(): number {
    return Math.min(this.#rhythm.perSecond, turnsPerSecondAt(this.#kbps, this.#settings.framesPerSecond));
  }

  setWeakBitrate(kbps: number | null): void {
    this.#weak.setBitrate(kbps);
    this.#wake?.();
  }

  resize(size: Size): void {
    this.#wantedSize = size;
    this.#wake?.();
  }

  wantStills(isWanted: boolean): void {
    this.stills.want(isWanted);
    this.#wake?.();
  }

  noteInput(input: InjectedInput): void {
    const answer = this.#answers.note(input);
    if (answer) this.events.emit('answer', answer);
    this.stills.disturbed();
  }

  #noteDamage(): void {
    const now = monotonicMs();
    if (now - this.#lastDamageMs <= quietMs) this.#piecemealFrames = rememberedFrames;
    this.#lastDamageMs = now;
    this.#damagedAtMs ??= now;
    this.#wake?.();
  }

  /** Never ends; throws when the display or FFmpeg fails. */
  async run(): Promise<never> {
    for (;;) {
      await this.#untilFrameIsDue();
      if (this.#wantedSize) await this.#applySize(this.#wantedSize);
      await this.#encodeOne();
      this.#beginWeak();
    }
  }

  async #untilFrameIsDue(): Promise<void> {
    for (;;) {
      const frameMs = this.#msUntilFrame();
      if (frameMs <= 0) return;
      if (this.stills.dueAtMs <= monotonicMs()) this.#beginStill();
      this.#beginWeak();
      const waitMs = Math.min(frameMs, Math.min(this.stills.dueAtMs, this.#weak.dueAtMs) - monotonicMs());
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const timer = Number.isFinite(waitMs) ? setTimeout(() => resolve(undefined), waitMs) : undefined;
      this.#wake = () => resolve(undefined);
      await promise;
      this.#wake = undefined;
      clearTimeout(timer);
    }
  }

  /** Infinity when nothing needs a frame. */
  #msUntilFrame(): number {
    const now = monotonicMs();
    if (this.#wantedSize) return 0;
    const dueAtMs = [Infinity];
    if (this.#damagedAtMs !== undefined) {
      const quiet = this.#piecemealFrames > 0 ? quietMs : briefQuietMs;
      const isDrawnMs = Math.min(this.#lastDamageMs + quiet, this.#damagedAtMs + mostQuietWaitMs);
      dueAtMs.push(
        Math.max(isDrawnMs, this.#lastFrameMs + this.#intervalMs, this.#lastLookMs + lookIntervalMs),
      );
    }
    if (this.#isKeyframeWanted) dueAtMs.push(this.#lastKeyframeMs + keyframeIntervalMs);
    const { settleDelaysMs } = this.#pace;
    const settleMs = settleDelaysMs[settleDelaysMs.length - this.#settlesLeft];
    if (settleMs !== undefined) dueAtMs.push(this.#lastFrameMs + settleMs);
    return Math.min(...dueAtMs) - now;
  }

  get #intervalMs(): number {
    const intervalMs = 1_000 / turnsPerSecondAt(this.#kbps, this.#settings.framesPerSecond);
    return this.#answers.isDue(this.#lastDamageMs) ? intervalMs * turnOfAnAnswer : intervalMs;
  }

  /** Between two frames: the memory of the latest grab is at rest too. */
  #beginStill(): void {
    const { source } = this.#pipeline;
    const { width: widthPx, height: heightPx } = source.frame;
    this.stills.begin({ bytes: Buffer.from(source.pixels ?? []), widthPx, heightPx });
  }

  /** Between two frames too. */
  #beginWeak(): void {
    const { source } = this.#pipeline;
    if (!source.isConverted || this.#weak.dueAtMs > monotonicMs()) return;
    const grabbedAtMs = this.#lastFrameMs;
    if (this.#weak.hasShown({ ticks: this.#lastTicks, grabbedAtMs })) {
      // The same once more, as a keyframe: of the same picture, but later.
      this.#lastTicks += 1n;
      this.stills.frameSent({ rtpTimestamp: rtpTimestampOf(this.#lastTicks), hasChanged: false });
    }
    this.#weak.begin(source.frame, { ticks: this.#lastTicks, grabbedAtMs });
  }

  async #applySize(size: Size): Promise<void> {
    this.#wantedSize = undefined;
    const former = this.#pipeline;
    this.#pipeline = await openPipeline({ ...this.#settings, ...size }, this.#kbps);
    this.#isKeyframeWanted = true;
    this.#lastKeyframeMs = -Infinity;
    former.encoder[Symbol.dispose]();
    await former.source[Symbol.asyncDispose]();
  }

  async #encodeOne(): Promise<void> {
    const { source, encoder } = this.#pipeline;
    const grabbedAtMs = monotonicMs();
    const damagedAtMs = this.#damagedAtMs ?? null;
    const isKeyframe = this.#isKeyframeWanted && grabbedAtMs >= this.#lastKeyframeMs + keyframeIntervalMs;
    // Taken before the grab: damage that comes while we work belongs to the next frame.
    this.#damagedAtMs = undefined;
    this.#lastLookMs = grabbedAtMs;
    const grabbed = await this.#grab(source);
    if (grabbed === 'refused') return;
    // Applications draw the same again: no frame for that, and the next one need not wait for its turn.
    if (grabbed === 'unchanged' && damagedAtMs !== null && !isKeyframe) return;

    const hasChanged = grabbed === 'changed';
    this.#setPace(encoder, hasChanged || isKeyframe);
    if (hasChanged) this.#beat(grabbedAtMs);
    this.#lastFrameMs = grabbedAtMs;
    this.#piecemealFrames = Math.max(0, this.#piecemealFrames - 1);
    const grabEndMs = monotonicMs();
    await source.convert();
    const convertEndMs = monotonicMs();
    const ticks = this.#nextTicks(grabbedAtMs);
    const rtpTimestamp = rtpTimestampOf(ticks);
    this.stills.frameSent({ rtpTimestamp, hasChanged });
    const { encodeMs, ...encoded } = await this.#encodeAs({ ticks, isKeyframe, hasChanged });
    const [grabMs, convertMs] = [grabEndMs - grabbedAtMs, convertEndMs - grabEndMs];
    const timing = { damagedAtMs, grabbedAtMs, grabMs, convertMs, encodeMs };
    const input = this.#answers.shownBy({ rtpTimestamp, timing });
    this.events.emit('access-unit', { ...encoded, layer: 'main', rtpTimestamp, input, timing });
    this.#weak.offer();
  }

  /** From the picture before, or by itself: then whoever waits for a keyframe is served. */
  async #encodeAs({
    ticks,
    isKeyframe,
    hasChanged,
  }: {
    ticks: bigint;
    isKeyframe: boolean;
    hasChanged: boolean;
  }): Promise<Pick<AccessUnit, 'bytes' | 'isKeyframe'> & { encodeMs: number }> {
    const { source, encoder } = this.#pipeline;
    const changedShare = hasChanged && encoder.isWide ? source.changedShare() : 0;
    const isIntra = isKeyframe || this.#kinds.isIntraBetter(changedShare);
    const beganMs = monotonicMs();
    const encoded = await encoder.encode(source.frame, { ticks, isKeyframe: isIntra });
    const encodeMs = monotonicMs() - beganMs;
    const kind = { isIntra: encoded.isKeyframe, encodeMs, bytes: encoded.bytes.length };
    this.#kinds.note(kind, changedShare);
    if (encoded.isKeyframe) {
      this.#isKeyframeWanted = false;
      this.#lastKeyframeMs = this.#lastFrameMs;
    }
    return { ...encoded, encodeMs };
  }

  #beat(atMs: number): void {
    if (this.#rhythm.beat(atMs)) this.setBitrate(this.#kbps);
  }

  #setPace(encoder: H264Encoder, isMoving: boolean): void {
    const { stillCrf, settleDelaysMs } = this.#pace;
    const movingCrf = encoder.isWide ? this.#pace.wideCrf : this.#pace.movingCrf;
    const isStillSooner = this.stills.isWanted && this.#kbps >= stillKbps;
    if (isStillSooner) this.#settlesLeft = 0;
    else this.#settlesLeft = isMoving ? settleDelaysMs.length : Math.max(0, this.#settlesLeft - 1);
    encoder.setQuality(isMoving ? movingCrf : stillCrf);
  }

  /**
   * A display that shrinks refuses the grab of what it was: then the command to resize is on its way.
   * @throws when the grab failed for any other reason.
   */
  async #grab(source: ScreenSource): Promise<'changed' | 'unchanged' | 'refused'> {
    const drawnMs = this.#lastDamageMs;
    try {
      if (!(await source.grab())) return 'unchanged';
      this.#answers.drawn(drawnMs);
      return 'changed';
    } catch (error) {
      for (let waitedMs = 0; !this.#wantedSize && waitedMs < resizeWaitMs; waitedMs += 20) await sleep(20);
      if (!this.#wantedSize) throw error;
      return 'refused';
    }
  }

  #nextTicks(atMs: number): bigint {
    const ticks = BigInt(Math.round(atMs * 90));
    this.#lastTicks = ticks > this.#lastTicks ? ticks : this.#lastTicks + 1n;
    return this.#lastTicks;
  }
}

function turnsPerSecondAt(kbps: number, most: number): number {
  return Math.min(most, Math.max(leastFramesPerSecond, kbps / kbpsOfAFrame));
}

function rtpTimestampOf(ticks: bigint): number {
  return Number(ticks & 0xffff_ffffn);
}

function codecSettingsOf(settings: EncoderSettings, kbps: number): H264Options {
  const { widthPx, heightPx, framesPerSecond, thrift, encoder } = settings;
  const turnsPerSecond = turnsPerSecondAt(kbps, framesPerSecond);
  const rates = { framesPerSecond, turnsPerSecond, kbps };
  return { widthPx, heightPx, ...rates, crf: paces[thrift].movingCrf, threads: 2, encoder };
}

async function openPipeline(settings: EncoderSettings, kbps: number): Promise<Pipeline> {
  const source = await ScreenSource.open(settings);
  return {
    source,
    encoder: await H264Encoder.open(codecSettingsOf(settings, kbps)),
  };
}
