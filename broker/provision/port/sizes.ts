import type { ProviderCatalog } from '@medusa/protocol';
import { z } from 'zod';
import { ProviderError } from './errors.ts';

/** A machine size that an administrator defines, for providers that have none of their own. */
export const sizeSettingSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,39}$/),
  cpus: z.number().positive().max(1_024),
  memoryMiB: z.int().min(64),
  gpu: z
    .strictObject({ model: z.string().min(1), count: z.int().positive() })
    .nullable()
    .default(null),
  encoder: z.string().nullable().default(null),
});
export type SizeSetting = z.infer<typeof sizeSettingSchema>;

export const sizeSettingsSchema = z
  .array(sizeSettingSchema)
  .min(1)
  .default([
    { id: 'small', cpus: 2, memoryMiB: 4_096, gpu: null, encoder: null },
    { id: 'medium', cpus: 4, memoryMiB: 8_192, gpu: null, encoder: null },
    { id: 'large', cpus: 8, memoryMiB: 16_384, gpu: null, encoder: null },
  ]);

export function toCatalogSize(size: SizeSetting): ProviderCatalog['sizes'][number] {
  return { ...size, name: size.id, diskGiB: null, architecture: null };
}

export function findSize(sizes: readonly SizeSetting[], id: string): SizeSetting {
  const size = sizes.find((candidate) => candidate.id === id);
  if (!size) throw new ProviderError('invalid', `There is no size ${id}`);
  return size;
}
