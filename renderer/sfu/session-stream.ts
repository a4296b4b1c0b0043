import { randomInt } from 'node:crypto';
import type { types } from 'mediasoup';
import { TypedEmitter } from '@medusa/kernel';
import {
  AppError,
  displayEventsLabel,
  type ParticipantId,
  stillLabel,
  type StreamRequest,
  type StreamResponse,
} from '@medusa/protocol';
import type { AccessUnit } from '../encoder/index.ts';
import { planBitrate } from './bitrate.ts';
import { DisplayEvents } from './display-events.ts';
import { H264Packetizer } from './h264-packetizer.ts';
import { Participant, type ParticipantStream } from './participant.ts';
import { asksForKeyframe, encodeSenderReport } from './rtcp.ts';
import { StillChannel } from './still-channel.ts';
import { createVideoRouter, produceVideo } from './video-router.ts';

export type SessionStreamOptions = {
  readonly kbps: number;
  readonly report: (error: unknown) => void;
};

type StreamEvents = {
  /** Some viewer cannot go on without a keyframe. */
  'keyframe-wanted': [];
  /** The bit rate that all viewers can take has changed. */
  bitrate: [kbps: number];
  /** One message of an input channel, not decoded yet. */
  input: [participantId: ParticipantId, message: Uint8Array];
  /** Its connection is lost or its seat was taken away: nothing more will come from it for now. */
  'participant-gone': [participantId: ParticipantId];
};

const reportIntervalMs = 1_000;

/** The SFU's side of one session: its router, the picture that we inject, and the participants who see it. */
export class SessionStream implements AsyncDisposable {
  readonly events: TypedEmitter<StreamEvents>;
  readonly display: DisplayEvents;
  readonly stills: StillChannel;
  readonly #router: types.Router;
  readonly #direct: types.DirectTransport;
  readonly #producer: types.Producer;
  readonly #packetizer: H264Packetizer;
  readonly #ssrc: number;
  readonly #server: types.WebRtcServer;
  readonly #participants = new Map<ParticipantId, Participant>();
  readonly #timer: NodeJS.Timeout;
  readonly #report: (error: unknown) => void;
  #kbps: number;
  #lastRtpTimestamp = 0;
  #sent = { frames: 0, bytes: 0 };

  static async create(
    parts: { worker: types.Worker; server: types.WebRtcServer },
    options: SessionStreamOptions,
  ): Promise<SessionStream> {
    const router = await createVideoRouter(parts.worker);
    try {
      const direct = await router.createDirectTransport();
      const ssrc = randomInt(1, 2 ** 32 - 1);
      const video = await produceVideo(router, direct, ssrc);
      const displayProducer = await direct.produceData({ label: displayEventsLabel });
      const stillProducer = await direct.produceData({ label: stillLabel });
      const packetizer = new H264Packetizer({ ...video, ssrc, firstSequence: randomInt(2 ** 16) });
      return new SessionStream(
        {
          ...parts,
          router,
          direct,
          producer: video.producer,
          displayProducer,
          stillProducer,
          packetizer,
          ssrc,
        },
        options,
      );
    } catch (error) {
      router.close();
      throw error;
    }
  }

  private constructor(
    parts: {
      server: types.WebRtcServer;
      router: types.Router;
      direct: types.DirectTransport;
      producer: types.Producer;
      displayProducer: types.DataProducer;
      stillProducer: types.DataProducer;
      packetizer: H264Packetizer;
      ssrc: number;
    },
    options: SessionStreamOptions,
  ) {
    this.#server = parts.server;
    this.#router = parts.router;
    this.#direct = parts.direct;
    this.#producer = parts.producer;
    this.#packetizer = parts.packetizer;
    this.#ssrc = parts.ssrc;
    this.#kbps = options.kbps;
    this.#report = options.report;
    this.events = new TypedEmitter(options.report);
    this.display = new DisplayEvents(parts.displayProducer, options.report);
    this.stills = new StillChannel(parts.stillProducer, options.report);
    this.#direct.on('rtcp', (packet) => {
      if (asksForKeyframe(packet)) this.events.emit('keyframe-wanted');
    });
    this.#timer = setInterval(() => this.#everySecond(), reportIntervalMs);
  }

  get participantIds(): ParticipantId[] {
    return [...this.#participants.keys()];
  }

  get connectedParticipants(): number {
    return [...this.#participants.values()].filter((participant) => participant.isConnected).length;
  }

  get targetKbps(): number {
    return this.#kbps;
  }

  /** What was sent since the last call, for statistics. */
  takeSent(): { readonly frames: number; readonly bytes: number } {
    const sent = this.#sent;
    this.#sent = { frames: 0, bytes: 0 };
    return sent;
  }

  push(accessUnit: Pick<AccessUnit, 'bytes' | 'rtpTimestamp'>): void {
    if (this.#producer.closed) return;
    for (const packet of this.#packetizer.packetize(accessUnit.bytes, accessUnit.rtpTimestamp))
      this.#producer.send(packet);
    this.#lastRtpTimestamp = accessUnit.rtpTimestamp;
    const { rtpTimestamp, bytes } = accessUnit;
    const frame = { rtpTimestamp, bytes: bytes.length, atMs: performance.now() };
    for (const participant of this.#participants.values()) participant.rate.sent(frame);
    this.#sent.frames += 1;
    this.#sent.bytes += accessUnit.bytes.length;
  }

  /** Obeys what a participant asks of the SFU. @throws AppError `stream.unknown`, or mediasoup's refusal as `request.invalid`. */
  async answer(participantId: ParticipantId, request: StreamRequest): Promise<StreamResponse> {
    if (request.kind === 'capabilities')
      return { kind: 'capabilities', routerRtpCapabilities: this.#router.rtpCapabilities };
    if (request.kind === 'close') {
      this.removeParticipant(participantId);
      return { kind: 'close' };
    }
    try {
      return await this.#participant(participantId).answer(request);
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError('request.invalid', 'The SFU refused the request', { cause: error });
    }
  }

  removeParticipant(participantId: ParticipantId): void {
    const participant = this.#participants.get(participantId);
    if (!participant) return;
    this.#participants.delete(participantId);
    participant.close();
    this.events.emit('participant-gone', participantId);
    this.#adaptBitrate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const participantId of this.participantIds) this.removeParticipant(participantId);
    this.#router.close();
  }

  #participant(participantId: ParticipantId): Participant {
    const known = this.#participants.get(participantId);
    if (known) return known;
    const stream: ParticipantStream = {
      router: this.#router,
      server: this.#server,
      direct: this.#direct,
      producer: this.#producer,
      display: this.display,
      stills: this.stills,
    };
    const participant = new Participant(stream, {
      input: (message) => this.events.emit('input', participantId, message),
      heard: () => this.#adaptBitrate(),
      gone: () => this.events.emit('participant-gone', participantId),
      report: this.#report,
    });
    this.#participants.set(participantId, participant);
    return participant;
  }

  #adaptBitrate(): void {
    const paths = [...this.#participants.values()].flatMap(({ rate }) => rate.kbps ?? []);
    const kbps = planBitrate(this.#kbps, paths);
    if (kbps === this.#kbps) return;
    this.#kbps = kbps;
    this.events.emit('bitrate', kbps);
  }

  #everySecond(): void {
    this.#direct.sendRtcp(
      encodeSenderReport({
        ssrc: this.#ssrc,
        nowMs: Date.now(),
        rtpTimestamp: this.#lastRtpTimestamp,
        packets: this.#packetizer.packets,
        payloadBytes: this.#packetizer.payloadBytes,
      }),
    );
    this.#adaptBitrate();
    this.display.repeatState();
  }
}
