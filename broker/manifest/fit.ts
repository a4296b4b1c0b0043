import type { DeploymentPlan, MachineFit, MachineNeed, ProviderCatalog } from '@medusa/protocol';

type Size = ProviderCatalog['sizes'][number];

/**
 * Which of a provider's images and sizes each machine of a plan would be: the size with the least memory, then the fewest processors,
 * that has all that is needed. What a catalogue does not tell (speed, memory of a GPU) is not held against it.
 */
export function fitToCatalog(plan: DeploymentPlan, catalog: ProviderCatalog): MachineFit[] {
  return plan.nodes.flatMap(({ wishes }) =>
    wishes.flatMap(({ id, spec }) => (spec.kind === 'machine' ? [fitOf(id, spec.need, catalog)] : [])),
  );
}

function fitOf(id: MachineFit['id'], need: MachineNeed, { sizes, images }: ProviderCatalog): MachineFit {
  const size = sizes
    .filter((candidate) => whyTooSmall(candidate, need) === undefined)
    .toSorted((a, b) => a.memoryMiB - b.memoryMiB || a.cpus - b.cpus)[0];
  const named = [need.image, need.system].flatMap((name) => name ?? []);
  const image = named
    .map((name) => images.find((candidate) => candidate.id === name || candidate.name === name))
    .find((found) => found !== undefined && isFor(found.architecture, need.architecture));
  const reasons = [
    ...(size ? [] : [whyNone(sizes, need)]),
    ...(image ? [] : [`there is no image ${named.join(' or ') || 'named'}`]),
  ];
  return { id, size: size?.id ?? null, image: image?.id ?? null, reason: reasons.join('; ') };
}

function whyNone(sizes: readonly Size[], need: MachineNeed): string {
  const whys = new Set(sizes.map((size) => whyTooSmall(size, need)));
  return sizes.length === 0 ? 'there is no size' : `no size fits: ${[...whys].join(', ')}`;
}

function whyTooSmall(size: Size, need: MachineNeed): string | undefined {
  return (
    less(size.cpus, need.cores, (least) => `fewer than ${least} processors`) ??
    less(size.memoryMiB, need.memoryMiB, (least) => `less than ${least} MiB`) ??
    // null: a disk of any size can be had with it.
    less(size.diskGiB, need.diskGiB, (least) => `a disk of less than ${least} GiB`) ??
    (isFor(size.architecture, need.architecture) ? undefined : `not ${need.architecture}`) ??
    (need.gpu ? whyNoGpu(size, need.gpu) : undefined)
  );
}

function less(
  offered: number | null,
  needed: number | null,
  say: (least: number) => string,
): string | undefined {
  return offered !== null && needed !== null && offered < needed ? say(needed) : undefined;
}

function whyNoGpu({ gpu, encoder }: Size, need: NonNullable<MachineNeed['gpu']>): string | undefined {
  if (!gpu || gpu.count < need.count) return `fewer than ${need.count} GPUs`;
  const isModel = need.model === null || gpu.model.toLowerCase().includes(need.model.toLowerCase());
  if (!isModel) return `no GPU ${need.model}`;
  return need.encoder === null || need.encoder === encoder ? undefined : `no encoder ${need.encoder}`;
}

function isFor(offered: string | null, needed: string | null): boolean {
  return offered === null || needed === null || offered === needed;
}
