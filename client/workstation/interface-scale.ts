import { scaleMeasurements } from './cornerstone.ts';

/** Draws all that is no picture larger. The stage, which gets another size by that, draws its pictures anew. */
export function scaleInterface(scale: number): void {
  document.documentElement.style.setProperty('--interface-scale', `${scale}`);
  scaleMeasurements(scale);
}
