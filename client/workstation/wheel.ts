/** The height of a mouse wheel's notch in lines, where a browser counts in lines. */
const linesPerNotch = 3;
/** A mouse never tells less for a notch; a touchpad tells many small movements. */
const smallestNotchPx = 50;
const notchPx = 120;

interface WheelTurn {
  readonly deltaY: number;
  readonly deltaMode: number;
  /** Chromium and others: 120 a notch whatever a notch scrolls, upwards positive; TypeScript's DOM does not know it. */
  readonly wheelDeltaY?: number;
}

/**
 * Counts whole notches of the wheel: one for each click of a mouse, also where the browser gathers several into one
 * event, and one for each notch's worth of movement on a touchpad.
 */
export function createNotchCounter(): (turn: WheelTurn) => number {
  let restPx = 0;

  return (turn) => {
    const movePx = toMovePx(turn);
    if (Math.abs(movePx) >= smallestNotchPx) {
      restPx = 0;
      return Math.sign(movePx) * Math.max(1, Math.round(Math.abs(movePx) / notchPx));
    }
    restPx += movePx;
    const notches = Math.trunc(restPx / smallestNotchPx);
    restPx -= notches * smallestNotchPx;
    return notches;
  };
}

function toMovePx({ deltaY, deltaMode, wheelDeltaY }: WheelTurn): number {
  if (wheelDeltaY) return -wheelDeltaY;
  return deltaMode === 1 ? (deltaY / linesPerNotch) * notchPx : deltaY;
}
