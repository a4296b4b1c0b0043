import type { WholeFrame } from './frame-assembler.ts';
import type { FrameSink, SinkListeners } from './frame-sink.ts';
import type { FrameTimes } from './frame-times.ts';
import { type H264Stream, nalTypeOf, nalTypes, readSequence, splitAnnexB } from './h264.ts';
import { openPageTrack } from './page-track.ts';
import { playStream } from './play-stream.ts';

/** Once may be an accident; more in a row, with no picture between them, are not. */
const mostErrors = 3;
const lookMs = 100;

/** Decodes in the page, and shows in the <video> what comes out. */
export function webCodecsSink(times: FrameTimes, listeners: SinkListeners): FrameSink {
  const page = openPageTrack(listeners.failed);
  const clock = mediaClock();
  const decoding = new Map<number, WholeFrame>();
  let decoder: VideoDecoder | undefined;
  let known: H264Stream | undefined;
  let errors = 0;

  const output = (picture: VideoFrame): void => {
    const { timestamp: mediaUs } = picture;
    const frame = decoding.get(mediaUs);
    decoding.delete(mediaUs);
    errors = 0;
    if (frame) {
      times.note({ mediaUs, rtpTimestamp: frame.rtpTimestamp, receivedAt: frame.receivedAt });
      listeners.taken(frame, false);
    }
    page.show(picture);
  };
  const failOnce = (error: unknown): void => {
    errors += 1;
    decoder = undefined;
    listeners.lost();
    for (const frame of decoding.values()) listeners.taken(frame, true);
    decoding.clear();
    if (errors >= mostErrors) listeners.failed(error);
  };
  /** What the decoder is made for is told by the stream itself; it may change with each keyframe. */
  const prepare = ({ bytes }: WholeFrame): VideoDecoder => {
    const sequence = splitAnnexB(bytes).find((unit) => nalTypeOf(unit) === nalTypes.sequence);
    const stream = sequence && readSequence(sequence);
    if (!stream) throw new Error('The picture is of a kind that is not known');
    if (decoder && known && isAlike(stream, known)) return decoder;
    known = stream;
    decoder ??= new VideoDecoder({ output, error: failOnce });
    decoder.configure({
      codec: stream.codec,
      optimizeForLatency: true,
      // As the encoder tags it: left to guess, a browser may take the range of television, and grays go astray.
      colorSpace: { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: true },
    });
    return decoder;
  };

  return {
    take(frame) {
      const { bytes: data, isKeyframe, rtpTimestamp } = frame;
      const timestamp = clock(rtpTimestamp);
      decoding.set(timestamp, frame);
      try {
        const ready = isKeyframe ? prepare(frame) : decoder;
        if (!ready) throw new Error('A picture builds upon one that is lost');
        ready.decode(new EncodedVideoChunk({ type: isKeyframe ? 'key' : 'delta', timestamp, data }));
      } catch (error) {
        failOnce(error);
      }
    },
    attach(video) {
      playStream(video, new MediaStream([page.track]));
      // A picture at rest came before there was anybody to look at it.
      const timer = setInterval(() => {
        if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) page.showAgain();
      }, lookMs);
      return () => clearInterval(timer);
    },
    close() {
      if (decoder && decoder.state !== 'closed') decoder.close();
      page.close();
    },
  };
}

function isAlike(one: H264Stream, other: H264Stream): boolean {
  return one.codec === other.codec && one.widthPx === other.widthPx && one.heightPx === other.heightPx;
}

/** From RTP timestamps, which wrap, to µs that only grow. */
function mediaClock(): (rtpTimestamp: number) => number {
  let [latest, us] = [0, 0];
  return (rtpTimestamp) => {
    const ticks = (rtpTimestamp - latest) >>> 0;
    latest = rtpTimestamp;
    const isForward = ticks > 0 && ticks < 2 ** 31;
    us += isForward ? Math.max(1, Math.round((ticks * 100) / 9)) : 1;
    return us;
  };
}
