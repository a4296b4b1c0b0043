/** A VOI window in modality units, DICOM PS3.3 §C.11.2.1.2. */
export interface VoiWindow {
  readonly center: number;
  readonly width: number;
}

export interface Preset {
  readonly key: string;
  readonly name: string;
  /** Null: what the image itself asks for. */
  readonly window: VoiWindow | null;
}

export const presets: readonly Preset[] = [
  { key: '0', name: 'Default', window: null },
  { key: '1', name: 'Soft tissue', window: { center: 40, width: 400 } },
  { key: '2', name: 'Lung', window: { center: -600, width: 1500 } },
  { key: '3', name: 'Bone', window: { center: 300, width: 1500 } },
  { key: '4', name: 'Brain', window: { center: 40, width: 80 } },
  { key: '5', name: 'Mediastinum', window: { center: 50, width: 350 } },
  { key: '6', name: 'Abdomen', window: { center: 60, width: 400 } },
];

interface VoiRange {
  readonly lower: number;
  readonly upper: number;
}

/**
 * The linear function of DICOM PS3.3 §C.11.2.1.2: black up to c − 0.5 − (w − 1)/2, white beyond c − 0.5 + (w − 1)/2.
 * The standard allows no width below one.
 */
export function toVoiRange({ center, width }: VoiWindow): VoiRange {
  const half = (Math.max(1, width) - 1) / 2;
  return { lower: center - 0.5 - half, upper: center - 0.5 + half };
}

export function toWindow({ lower, upper }: VoiRange): VoiWindow {
  return { center: (lower + upper + 1) / 2, width: upper - lower + 1 };
}
