import type { PictureLayer } from '@medusa/protocol';
import type { types } from 'mediasoup-client';
import { playStream } from './play-stream.ts';
import { readStatistics, type StatisticsReading } from './statistics.ts';
import type { VideoListeners, VideoTransport } from './video-transport.ts';

/** The picture as WebRTC video. */
export function mediaVideo(
  consumer: types.Consumer,
  layer: PictureLayer,
  { ended }: Pick<VideoListeners, 'ended'>,
): VideoTransport {
  let reading: StatisticsReading | undefined;
  consumer.on('trackended', ended);
  return {
    ...{ kind: 'media', id: consumer.id, layer },
    attach(video) {
      playStream(video, new MediaStream([consumer.track]));
      return () => undefined;
    },
    shownFrame: ({ rtpTimestamp, receiveTime, presentationTime, presentedFrames }) =>
      rtpTimestamp === undefined
        ? undefined
        : { rtpTimestamp, presentedFrames, receivedAt: receiveTime ?? presentationTime },
    async readStatistics() {
      const report = await consumer.getStats();
      const read = readStatistics([...(report as unknown as Iterable<[string, unknown]>)], reading);
      reading = read?.reading;
      return read?.statistics;
    },
    close: () => consumer.close(),
  };
}
