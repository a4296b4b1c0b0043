import type { DeviceMeasurements } from './judge-device.ts';

type Hints = {
  readonly userAgent: string;
  readonly touchPoints: number;
  /** A mouse or a touch pad is there. */
  readonly hasFinePointer: boolean;
  /** Of the screen, in CSS px. */
  readonly shortSide: number;
};

/** Below this short side (CSS px) a touch device is a phone: common tablets start at 744. */
const phoneShortSide = 600;

/** Tells phones and tablets by what they can do first, by their name second: names lie. */
export function kindOfDevice({
  userAgent,
  touchPoints,
  hasFinePointer,
  shortSide,
}: Hints): DeviceMeasurements['kind'] {
  const isTouchOnly = touchPoints > 0 && !hasFinePointer;
  const isNamedMobile = /Android|iPhone|iPad|iPod|Mobile|Tablet/i.test(userAgent);
  if (!isTouchOnly && !isNamedMobile) return 'desktop';
  return shortSide < phoneShortSide || /iPhone|iPod/.test(userAgent) ? 'phone' : 'tablet';
}
