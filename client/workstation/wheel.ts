/** The height of a mouse wheel's notch in lines, where a browser counts in lines. */
const linesPerNotch = 3;
/** A mouse never tells less for a notch; a touchpad tells many small movements. */
const smallestNotchPx = 50;
const notchPx = 120;

interface WheelTurn {
  readonly deltaY: number;
  readonly deltaMode: number;
}

/**
 * Counts whole notches of the wheel: one for each click of a mouse, also where the browser gathers several into one
 * event, and one for each notch's worth of movement on a touchpad.
 */
export function createNotchCounter(): (turn: WheelTurn) => number {
  let restPx = 0;

  return ({ deltaY, deltaMode }) => {
    const movePx = deltaMode === 1 ? (deltaY / linesPerNotch) * notchPx : deltaY;
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
