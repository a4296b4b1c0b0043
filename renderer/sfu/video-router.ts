import type { types } from 'mediasoup';

const playoutDelayUri = 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay';
const payloadType = 102;
/** Constrained baseline, which every WebRTC browser decodes; the level is a floor that browsers do not hold us to. */
const h264 = {
  mimeType: 'video/H264',
  clockRate: 90_000,
  parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
} as const;

export async function createVideoRouter(worker: types.Worker): Promise<types.Router> {
  return worker.createRouter({
    mediaCodecs: [{ kind: 'video', preferredPayloadType: payloadType, ...h264 }],
  });
}

/** The producer of the picture that we inject, and what its packets must look like. */
export async function produceVideo(
  router: types.Router,
  transport: types.DirectTransport,
  ssrc: number,
): Promise<{ producer: types.Producer; payloadType: number; playoutDelayId: number | undefined }> {
  const playoutDelayId = router.rtpCapabilities.headerExtensions?.find(
    ({ uri, kind }) => uri === playoutDelayUri && kind === 'video',
  )?.preferredId;
  const producer = await transport.produce({
    kind: 'video',
    rtpParameters: {
      codecs: [
        {
          ...h264,
          payloadType,
          rtcpFeedback: [
            { type: 'nack', parameter: 'pli' },
            { type: 'ccm', parameter: 'fir' },
          ],
        },
      ],
      headerExtensions: playoutDelayId === undefined ? [] : [{ uri: playoutDelayUri, id: playoutDelayId }],
      encodings: [{ ssrc }],
      rtcp: { cname: 'medusa' },
    },
  });
  return { producer, payloadType, playoutDelayId };
}
