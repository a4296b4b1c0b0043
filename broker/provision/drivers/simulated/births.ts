import type { ResourceKind } from '@medusa/protocol';
import type { z } from 'zod';
import { specSchemas } from './cloud-api.ts';
import { CloudError } from './cloud-error.ts';
import type { CloudSettings } from './cloud-settings.ts';
import type { Thing, View } from './thing.ts';

/** What a new thing needs to know of the others. */
export type Surroundings = {
  readonly settings: CloudSettings;
  readonly random: () => number;
  readonly sequence: number;
  /** Things of that kind that are not gone. */
  readonly alive: (kind: ResourceKind) => readonly { readonly thing: Thing; readonly view: View }[];
  readonly find: (kind: ResourceKind, ref: string) => { readonly thing: Thing; readonly view: View };
};

type Birth = { readonly fields: Readonly<Record<string, unknown>>; readonly readyMs: number };
type Births = {
  readonly [Kind in ResourceKind]: (
    spec: z.output<(typeof specSchemas)[Kind]>,
    around: Surroundings,
  ) => Birth;
};

/** What a thing of each kind becomes, from what was asked for. Throws a `CloudError` when it cannot. */
const births: Births = {
  machine(spec, around) {
    const { settings, sequence } = around;
    const size = settings.sizes.find(({ id }) => id === spec.size);
    if (!size) throw new CloudError('not-found', `There is no size ${spec.size}`);
    const isKnown =
      settings.images.some(({ id }) => id === spec.image) ||
      around.alive('image').some(({ thing }) => thing.ref === spec.image);
    if (!isKnown) throw new CloudError('not-found', `There is no image ${spec.image}`);
    for (const ref of spec.networkRefs) around.find('network', ref);
    for (const ref of spec.securityGroupRefs) around.find('security-group', ref);
    const addresses = [`10.${(sequence >> 16) & 127}.${(sequence >> 8) & 255}.${sequence & 255}`];
    return {
      fields: { addresses, image: spec.image, size: spec.size, zone: zoneFor(spec, size.perZone, around) },
      readyMs: bootMs(settings.bootMs, around.random),
    };
  },
  volume({ sizeGiB, source }, around) {
    if (source.kind !== 'blank') around.find(source.kind, source.ref);
    return { fields: { sizeGiB, attachedTo: null }, readyMs: around.settings.readyMs };
  },
  snapshot({ volumeRef }, around) {
    const { sizeGiB } = around.find('volume', volumeRef).view;
    return { fields: { volumeRef, sizeGiB }, readyMs: around.settings.readyMs };
  },
  network({ cidrs, segment }, { settings, sequence }) {
    const chosen = [`10.${128 + ((sequence >> 8) & 127)}.${sequence & 255}.0/24`];
    return { fields: { cidrs: cidrs ?? chosen, segment }, readyMs: settings.readyMs };
  },
  address(_, { settings, alive }) {
    const taken = new Set(alive('address').map(({ view }) => view['address']));
    const address = addressesOf(settings.addresses).find((candidate) => !taken.has(candidate));
    if (address === undefined) throw new CloudError('quota', `No address is left of ${settings.addresses}`);
    return { fields: { address, assignedTo: null }, readyMs: 0 };
  },
  'security-group': ({ rules }) => ({ fields: { rules }, readyMs: 0 }),
  image: ({ architecture, contentHash }, { settings }) => ({
    fields: { architecture, contentHash },
    readyMs: settings.readyMs,
  }),
};

export function birthOf(kind: ResourceKind, spec: unknown, around: Surroundings): Birth {
  const parsed = specSchemas[kind].safeParse(spec);
  if (!parsed.success) throw new CloudError('invalid', parsed.error.issues[0]?.message ?? 'Not understood');
  // The schema is the one of this very kind.
  const birth = births[kind] as (spec: unknown, around: Surroundings) => Birth;
  return birth(parsed.data, around);
}

function zoneFor(
  { zone, size }: { zone: string | null; size: string },
  perZone: number | null,
  { settings, alive }: Surroundings,
): string {
  const candidates = zone === null ? settings.zones : settings.zones.filter((name) => name === zone);
  if (candidates.length === 0) throw new CloudError('not-found', `There is no zone ${zone ?? ''}`);
  if (perZone === null) return candidates[0] ?? '';
  const machines = alive('machine').filter(({ view }) => view['size'] === size);
  const free = candidates.find(
    (name) => machines.filter(({ view }) => view['zone'] === name).length < perZone,
  );
  if (free === undefined)
    throw new CloudError('capacity', `Nothing of size ${size} is free in ${candidates.join(', ')}`);
  return free;
}

/** The 95th percentile of the normal distribution, in standard deviations. */
const normal95 = 1.644_85;

/** Log-normal, by the Box–Muller transform. */
function bootMs({ median, p95 }: CloudSettings['bootMs'], random: () => number): number {
  if (median === 0) return 0;
  const sigma = Math.log(Math.max(p95, median) / median) / normal95;
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}

function addressesOf(cidr: string): string[] {
  const [network = '', prefix = '32'] = cidr.split('/');
  const base = network.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const count = Math.min(2 ** (32 - Number(prefix)), 65_536) - 2;
  return Array.from({ length: Math.max(0, count) }, (_, index) =>
    [24, 16, 8, 0].map((shift) => ((base + index + 1) >>> shift) & 255).join('.'),
  );
}
