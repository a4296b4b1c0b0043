import type { Vector } from './series.ts';

export interface EdgeLetters {
  readonly left: string;
  readonly right: string;
  readonly top: string;
  readonly bottom: string;
}

/** Where the patient's sides lie when columns run to the right along `right` and rows run down along `down`. */
export function edgeLetters(right: Vector, down: Vector): EdgeLetters {
  return {
    right: directionLetters(right),
    left: directionLetters(opposite(right)),
    bottom: directionLetters(down),
    top: directionLetters(opposite(down)),
  };
}

/**
 * The patient directions a vector points to, the strongest first, as in PatientOrientation (DICOM PS3.3 §C.7.6.1.1.1).
 * In the patient coordinate system x grows to the left hand, y to the back and z to the head.
 */
export function directionLetters(direction: Vector): string {
  const [x, y, z] = direction;
  const parts = [
    { letter: x > 0 ? 'L' : 'R', size: Math.abs(x) },
    { letter: y > 0 ? 'P' : 'A', size: Math.abs(y) },
    { letter: z > 0 ? 'H' : 'F', size: Math.abs(z) },
  ];
  // About 15 degrees: a slight tilt of the gantry is not worth a second letter.
  return parts
    .filter(({ size }) => size > 0.26)
    .toSorted((a, b) => b.size - a.size)
    .map(({ letter }) => letter)
    .join('');
}

function opposite([x, y, z]: Vector): Vector {
  return [-x, -y, -z];
}
