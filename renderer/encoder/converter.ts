import { SWS_ACCURATE_RND, SWS_BILINEAR } from 'node-av/constants';
import { SoftwareScaleContext } from 'node-av/lib';
import { checked } from './checked.ts';

/** A large picture takes 6 ms of one processor (1920×1080), which are felt. */
const threads = 2;

/** From what was grabbed to what is encoded; formats and colours as the frames' own tags say. */
export function openConverter(): SoftwareScaleContext {
  const scaler = new SoftwareScaleContext();
  // Without fixed formats the scaler obeys the colour tags of the frames.
  scaler.allocContext();
  // Rounded the fast way, the chroma of every gray is one level low: a green tinge.
  checked(scaler.setOption('sws_flags', SWS_BILINEAR | SWS_ACCURATE_RND), 'set the scaler up');
  checked(scaler.setOption('threads', threads), 'set the scaler up');
  return scaler;
}
