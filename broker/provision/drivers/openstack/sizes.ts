import type { ProviderCatalog } from '@medusa/protocol';
import { z } from 'zod';
import type { Cloud } from './cloud.ts';
import { architectureOf } from './images.ts';

type Size = ProviderCatalog['sizes'][number];

const specsSchema = z.record(z.string(), z.string());
const flavorSchema = z.object({
  id: z.string(),
  name: z.string(),
  vcpus: z.int(),
  ram: z.int(),
  disk: z.number(),
  /** Since 2.61, and only for who may see it. */
  extra_specs: specsSchema.optional(),
});

/** Flavors with what they say of GPUs. Before 2.61 each is asked for its specs. */
export async function flavorSizes(cloud: Cloud, signal: AbortSignal): Promise<readonly Size[]> {
  const compute = cloud.service('compute');
  const flavors = await compute.list({ path: '/flavors/detail', key: 'flavors', signal }, flavorSchema);
  const isInline = await compute.atLeast(61, signal);
  return Promise.all(
    flavors.map(async ({ id, name, vcpus, ram, disk, extra_specs: inline }) => {
      const path = `/flavors/${encodeURIComponent(id)}/os-extra_specs`;
      const asked = isInline
        ? undefined
        : await compute.find(path, z.object({ extra_specs: specsSchema }), signal);
      const specs = inline ?? asked?.extra_specs ?? {};
      return { id, name, cpus: vcpus, memoryMiB: ram, diskGiB: disk, ...hardwareOf(specs) };
    }),
  );
}

/** Nova guide "Extra specs": `resources:VGPU=1`, `resources1:CUSTOM_GPU_A100=2`, `pci_passthrough:alias=a100:1`, `trait:…=required`. */
export function hardwareOf(
  specs: Readonly<Record<string, string>>,
): Pick<Size, 'gpu' | 'encoder' | 'architecture'> {
  const traits = Object.entries(specs).flatMap(([key, value]) => {
    const name = /^trait\w*:(.+)$/.exec(key)?.[1];
    return name !== undefined && value === 'required' ? [name] : [];
  });
  const architectureWord =
    specs['hw:architecture'] ?? traits.map(archTrait).find((word) => word !== undefined);
  return {
    gpu: gpuFrom(specs, traits),
    encoder: encoders.find(([pattern]) => traits.some((trait) => pattern.test(trait)))?.[1] ?? null,
    architecture: architectureOf(architectureWord),
  };
}

/** os-traits `HW_ARCH_X86_64`, `HW_ARCH_AARCH64`. */
const archTrait = (trait: string): string | undefined => /^HW_ARCH_(.+)$/.exec(trait)?.[1]?.toLowerCase();

const encoders: readonly (readonly [RegExp, string])[] = [
  [/NVENC/, 'nvenc'],
  [/VAAPI|QUICKSYNC|_QSV/, 'vaapi'],
  [/(^|_)AMF(_|$)/, 'amf'],
];

/** A PCI alias is a name the cloud's administrators gave: those of graphics cards are known by their makers' words. */
const gpuAlias = /gpu|nvidia|tesla|quadro|rtx|\b[ahlpvt]\d{1,3}s?\b|mi\d{3}|radeon|instinct/i;

function gpuFrom(specs: Readonly<Record<string, string>>, traits: readonly string[]): Size['gpu'] {
  for (const [key, value] of Object.entries(specs)) {
    const resource = /^resources\w*:(.+)$/.exec(key)?.[1] ?? '';
    if (/(^|_)[VP]?GPU(_|$)/.test(resource) && Number(value) > 0)
      return { model: modelOf(resource, traits), count: Number(value) };
  }
  const aliases = (specs['pci_passthrough:alias'] ?? '').split(',').map((part) => part.trim().split(':'));
  const [model, count = '1'] = aliases.find(([alias = '']) => gpuAlias.test(alias)) ?? [];
  return model === undefined ? null : { model, count: Number(count) };
}

/** `CUSTOM_GPU_A100` → `A100`. A plain VGPU or PGPU is told apart by a trait, e.g. `CUSTOM_NVIDIA_A40_8Q`. */
function modelOf(resource: string, traits: readonly string[]): string {
  const own = resource
    .replace(/^CUSTOM_/, '')
    .replace(/(^|_)[VP]?GPU(_|$)/, ' ')
    .trim();
  if (own !== '') return own.replaceAll('_', ' ');
  const told = traits.find((trait) => /^CUSTOM_.*(NVIDIA|AMD|INTEL|GPU)/.test(trait));
  return told ? told.replace(/^CUSTOM_/, '').replaceAll('_', ' ') : resource;
}
