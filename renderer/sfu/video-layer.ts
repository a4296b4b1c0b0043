import { randomInt } from 'node:crypto';
import type { types } from 'mediasoup';
import type { AccessUnit } from '../encoder/index.ts';
import { H264Packetizer } from './h264-packetizer.ts';
import { encodeSenderReport } from './rtcp.ts';
import { produceVideo } from './video-router.ts';

/** One layer of the picture as it goes into the SFU: its producer, and the packets that we hand to that. */
export class VideoLayer {
  readonly ssrc: number;
  readonly producer: types.Producer;
  readonly #direct: types.DirectTransport;
  readonly #packetizer: H264Packetizer;
  #lastRtpTimestamp = 0;
  #pushedAtMs = 0;
  #reportedPackets = 0;

  static async create(router: types.Router, direct: types.DirectTransport): Promise<VideoLayer> {
    const ssrc = randomInt(1, 2 ** 32 - 1);
    const { producer, ...video } = await produceVideo(router, direct, ssrc);
    const packetizer = new H264Packetizer({ ...video, ssrc, firstSequence: randomInt(2 ** 16) });
    return new VideoLayer({ ssrc, direct, producer, packetizer });
  }

  private constructor(parts: {
    ssrc: number;
    direct: types.DirectTransport;
    producer: types.Producer;
    packetizer: H264Packetizer;
  }) {
    this.ssrc = parts.ssrc;
    this.producer = parts.producer;
    this.#direct = parts.direct;
    this.#packetizer = parts.packetizer;
  }

  /** Of the frame that was sent last. */
  get lastRtpTimestamp(): number {
    return this.#lastRtpTimestamp;
  }

  /** @param isDoubled each packet goes twice: the second ones behind all first ones, as losses often come together. */
  push({ bytes, rtpTimestamp }: Pick<AccessUnit, 'bytes' | 'rtpTimestamp'>, isDoubled: boolean): void {
    const packets = this.#packetizer.packetize(bytes, rtpTimestamp);
    for (const packet of isDoubled ? [...packets, ...packets] : packets) this.producer.send(packet);
    this.#lastRtpTimestamp = rtpTimestamp;
    this.#pushedAtMs = Date.now();
  }

  /** Of what was sent since the last report: a picture at rest has nothing to tell. */
  report(): void {
    const { packets, payloadBytes } = this.#packetizer;
    if (packets === this.#reportedPackets) return;
    this.#reportedPackets = packets;
    const { ssrc } = this;
    const [rtpTimestamp, nowMs] = [this.#lastRtpTimestamp, this.#pushedAtMs];
    this.#direct.sendRtcp(encodeSenderReport({ ssrc, nowMs, rtpTimestamp, packets, payloadBytes }));
  }
}
