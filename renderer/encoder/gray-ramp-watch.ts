import { measureGrayRamp } from './gray-ramp.ts';
import type { H264Options } from './h264-encoder.ts';
import type { GrayRamp } from './messages.ts';

/** It takes as long as a few frames: not while a session starts, and once for an edge that is dragged. */
const restMs = 3_000;

/** Answers how to have the grays measured soon; what was asked for before and not begun is not measured. */
export function createGrayRampWatch(
  tell: (ramp: GrayRamp) => void,
  report: (error: unknown) => void,
): (settings: () => H264Options) => void {
  let timer: NodeJS.Timeout | undefined;
  return (settings) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      measureGrayRamp(settings()).then(tell, report);
    }, restMs);
  };
}
