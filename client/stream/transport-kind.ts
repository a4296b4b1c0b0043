import { z } from 'zod';

/**
 * The ways of the moving picture to the screen. `media`: WebRTC video. The others take the same frames from a data channel: `webcodecs`
 * decodes them in the page, `mse` hands them to the <video> as a film that is always at its end.
 */
export const transportKindSchema = z.enum(['media', 'webcodecs', 'mse']);
export type TransportKind = z.infer<typeof transportKindSchema>;

/** What this browser has, in the order of preference. Whether it works too shows when it is tried. */
export function ableTransports(): TransportKind[] {
  const able: TransportKind[] = [];
  if (receivesH264()) able.push('media');
  if (typeof VideoDecoder !== 'undefined') able.push('webcodecs');
  if (typeof MediaSource !== 'undefined' && MediaSource.isTypeSupported('video/mp4; codecs="avc1.42E01F"'))
    able.push('mse');
  return able;
}

/** What does not say is tried. */
function receivesH264(): boolean {
  if (typeof RTCRtpReceiver === 'undefined') return true;
  const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs;
  return codecs?.some(({ mimeType }) => mimeType.toLowerCase() === 'video/h264') ?? true;
}
