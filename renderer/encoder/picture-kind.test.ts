import { expect, it } from 'vitest';
import { createPictureKinds } from './picture-kind.ts';

type Costs = { readonly intra: [ms: number, bytes: number]; readonly inter: [ms: number, bytes: number] };

/** So many pictures of a series that costs that. @returns the share that was encoded by itself. */
function run(kinds: ReturnType<typeof createPictureKinds>, { intra, inter }: Costs, pictures = 300): number {
  let chosen = 0;
  for (let picture = 0; picture < pictures; picture += 1) {
    const isIntra = kinds.isIntraBetter(0.9);
    const [encodeMs, bytes] = isIntra ? intra : inter;
    kinds.note({ isIntra, encodeMs, bytes }, 0.9);
    chosen += isIntra ? 1 : 0;
  }
  return chosen / pictures;
}

it('encodes by itself what is encoded sooner so, and looks at the other way now and again', () => {
  const share = run(createPictureKinds(), { intra: [8, 155_000], inter: [15, 153_000] });
  expect(share).toBeGreaterThan(0.95);
  expect(share).toBeLessThan(1);
});

it('encodes from the one before what takes less time so, or far fewer bytes', () => {
  expect(run(createPictureKinds(), { intra: [8, 150_000], inter: [5, 40_000] })).toBeLessThan(0.05);
  expect(run(createPictureKinds(), { intra: [8, 150_000], inter: [9, 40_000] })).toBeLessThan(0.05);
});

it('finds out when another series is of the other kind', () => {
  const kinds = createPictureKinds();
  run(kinds, { intra: [8, 155_000], inter: [15, 153_000] });
  run(kinds, { intra: [8, 155_000], inter: [4, 20_000] }, 2_000);
  expect(run(kinds, { intra: [8, 155_000], inter: [4, 20_000] })).toBeLessThan(0.05);
});

it('encodes a picture of which little changes from the one before, whatever others cost', () => {
  const kinds = createPictureKinds();
  run(kinds, { intra: [8, 155_000], inter: [15, 153_000] });
  expect(kinds.isIntraBetter(0.3)).toBe(false);
  expect(kinds.isIntraBetter(0.6)).toBe(true);
});
