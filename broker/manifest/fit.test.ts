import type { DeploymentPlan, MachineFit, ProviderCatalog } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { parseCords } from './cords/index.ts';
import { planDeployment } from './deployment.ts';
import { fitToCatalog } from './fit.ts';

type Size = ProviderCatalog['sizes'][number];

const size = (id: string, rest: Partial<Size> = {}): Size => ({
  ...{ id, name: id, cpus: 2, memoryMiB: 4_096, diskGiB: null, gpu: null, encoder: null, architecture: null },
  ...rest,
});
const l4 = { gpu: { model: 'NVIDIA L4', count: 1 }, encoder: 'nvenc' };

function fitOf(compute: string, catalog: Partial<ProviderCatalog>, storage = ''): MachineFit | undefined {
  const { manifest } = parseCords(
    `<manifest name="m"><node name="a"><infrastructure>${compute}${storage}</infrastructure><image name="medusa"><system name="bookworm"/></image></node></manifest>`,
  );
  const planned = manifest && planDeployment(manifest, { manifests: new Map(), tenant: 't' });
  const plan: DeploymentPlan | undefined = planned?.ok ? planned.plan : undefined;
  if (!plan) throw new Error('The manifest of the test is wrong');
  const images = [{ id: 'img-1', name: 'medusa', architecture: null }];
  return fitToCatalog(plan, { images, sizes: [], zones: [], networks: [], volumeTypes: [], ...catalog })[0];
}

describe('fitToCatalog', () => {
  it('takes the smallest size that has all that is needed', () => {
    const sizes = [
      size('large', { cpus: 8, memoryMiB: 16_384 }),
      size('small'),
      size('medium', { cpus: 4, memoryMiB: 8_192 }),
      size('medium-wide', { cpus: 6, memoryMiB: 8_192 }),
    ];

    expect(fitOf('<compute cores="3" memory="5G"/>', { sizes })).toEqual({
      id: 'm-a',
      size: 'medium',
      image: 'img-1',
      reason: '',
    });
    expect(fitOf('<compute/>', { sizes })?.size).toBe('small');
  });

  it('takes a GPU and its encoder only where they are wanted, by model', () => {
    const sizes = [size('gpu', l4), size('huge', { cpus: 64, memoryMiB: 262_144 })];

    expect(fitOf('<compute><gpu model="l4" encoder="nvenc"/></compute>', { sizes })?.size).toBe('gpu');
    expect(fitOf('<compute><gpu count="2"/></compute>', { sizes })?.reason).toBe(
      'no size fits: fewer than 2 GPUs',
    );
    expect(fitOf('<compute><gpu model="h100"/></compute>', { sizes: [size('gpu', l4)] })?.reason).toBe(
      'no size fits: no GPU h100',
    );
    expect(fitOf('<compute><gpu encoder="vaapi"/></compute>', { sizes: [size('gpu', l4)] })?.reason).toBe(
      'no size fits: no encoder vaapi',
    );
  });

  it.each([
    ['<compute cores="3"/>', {}, 'fewer than 3 processors'],
    ['<compute memory="5G"/>', {}, 'less than 5120 MiB'],
    ['<compute architecture="arm64"/>', { architecture: 'x64' as const }, 'not arm64'],
  ])('says why %s has no size', (...[compute, rest, why]) => {
    expect(fitOf(compute, { sizes: [size('only', rest)] })).toMatchObject({
      size: null,
      reason: `no size fits: ${why}`,
    });
  });

  it('holds a disk that is too small against a size, but not one that can be had in any size', () => {
    const storage = '<storage size="40G"/>';

    expect(fitOf('<compute/>', { sizes: [size('only', { diskGiB: 20 })] }, storage)?.reason).toBe(
      'no size fits: a disk of less than 40 GiB',
    );
    expect(fitOf('<compute/>', { sizes: [size('only')] }, storage)?.size).toBe('only');
  });

  it('takes the image by its name, or that of the base system, for the right architecture', () => {
    const image = (name: string, architecture: 'x64' | null = null): ProviderCatalog['images'][number] => ({
      ...{ id: `id-${name}`, name, architecture },
    });
    const sizes = [size('only')];

    expect(fitOf('<compute/>', { sizes, images: [image('bookworm'), image('medusa')] })?.image).toBe(
      'id-medusa',
    );
    expect(fitOf('<compute/>', { sizes, images: [image('bookworm')] })?.image).toBe('id-bookworm');
    expect(
      fitOf('<compute architecture="arm64"/>', { sizes, images: [image('medusa', 'x64')] }),
    ).toMatchObject({
      image: null,
      reason: 'there is no image medusa or bookworm',
    });
  });
});
