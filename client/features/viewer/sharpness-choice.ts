import { createSharpnessStore } from '../../stream/sharpness.ts';

/** One for all viewers of this device. */
export const sharpness = createSharpnessStore(localStorage);
