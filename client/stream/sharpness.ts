import { z } from 'zod';
import { Store } from '../core/store.ts';
import type { Size } from './display-mapping.ts';

const sharpnessSchema = z.enum(['sharp', 'economical']);
/** A pixel of the remote display for each of this device, or for each px of the page, which is less to draw and to send. */
export type Sharpness = z.infer<typeof sharpnessSchema>;

export type ScreenWish = Size & { readonly scalePercent: number };

const key = 'medusa.sharpness';
/** What a session's display may have. */
const least: Size = { width: 640, height: 480 };
const most: Size = { width: 3840, height: 2160 };
/** A path that carries less would show device pixels late and blurred; once they are there, they stay for longer. */
const kbpsPerMegapixel = { begin: 1_000, stay: 400 } as const;

/** The choice of this device, remembered by its browser. */
export function createSharpnessStore(storage: Pick<Storage, 'getItem' | 'setItem'>): Store<Sharpness> {
  const store = new Store<Sharpness>(sharpnessSchema.safeParse(storage.getItem(key)).data ?? 'sharp');
  store.subscribe(() => storage.setItem(key, store.get()));
  return store;
}

type Conditions = {
  readonly devicePixelRatio: number;
  readonly sharpness: Sharpness;
  /** What the path carries; null: not known yet. */
  readonly targetKbps: number | null;
  /** Above 100, the display has px of the device now. */
  readonly scalePercent: number;
};

/** The display to ask for: as many px as the stage has, of the device where that is wanted and affordable, else of the page. */
export function screenFor(stage: Size, conditions: Conditions): ScreenWish {
  const { devicePixelRatio, sharpness, targetKbps, scalePercent } = conditions;
  // A page that is zoomed out has fewer px of the device than of its own.
  if (devicePixelRatio <= 1) return fit(stage, devicePixelRatio);
  const ratio = Math.min(
    devicePixelRatio,
    Math.max(1, Math.min(most.width / stage.width, most.height / stage.height)),
  );
  const megapixels = (stage.width * stage.height * ratio * ratio) / 1e6;
  const neededKbps = megapixels * kbpsPerMegapixel[scalePercent > 100 ? 'stay' : 'begin'];
  const isAffordable = targetKbps === null || targetKbps >= neededKbps;
  return fit(stage, sharpness === 'sharp' && isAffordable ? ratio : 1);
}

/** Even numbers, because H.264 4:2:0 halves the chroma planes. */
function fit(stage: Size, ratio: number): ScreenWish {
  const even = (length: number, from: number, to: number): number =>
    Math.floor(Math.min(to, Math.max(from, length * ratio)) / 2) * 2;
  return {
    width: even(stage.width, least.width, most.width),
    height: even(stage.height, least.height, most.height),
    scalePercent: Math.round(Math.max(1, ratio) * 100),
  };
}
