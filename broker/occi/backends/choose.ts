import { AppError } from '@medusa/protocol';
import type { NewInstance } from '../backend.ts';
import { gpuMixin, identifierOf, sshKeyMixin, userDataMixin } from '../model/index.ts';
import type { Offer } from './offers.ts';

export type Choice = {
  readonly provider: Offer['provider'];
  readonly image: string;
  readonly size: string;
};

/** What a machine may be given that not every provider takes. */
export const gifts = [
  { mixin: sshKeyMixin, capability: 'keys', words: 'SSH keys' },
  { mixin: userDataMixin, capability: 'machines.user-data', words: 'user data' },
] as const;

function needsOf({ mixins }: Wanted): (typeof gifts)[number][] {
  return gifts.filter(({ mixin }) => mixins.includes(identifierOf(mixin)));
}

/** One that was never reached is taken at its word later. */
export function has({ capabilities, health }: Offer['provider'], capability: string): boolean {
  return health.state === 'unknown' || capabilities.includes(capability);
}

type Wanted = Pick<NewInstance, 'mixins' | 'attributes'>;
type Image = Offer['images'][number];
type Size = Offer['sizes'][number];

/**
 * The first provider that has an image and a size like that, and the smallest such size. Without a template for the image it is the
 * provider's first. Throws `request.invalid` when there is none.
 */
export function chooseMachine(offers: readonly Offer[], wanted: Wanted): Choice {
  refuseUnknown(wanted);
  const asked = offersFor(offers, wanted, 'machines');
  const able = asked.filter(({ provider }) =>
    needsOf(wanted).every(({ capability }) => has(provider, capability)),
  );
  if (asked.length > 0 && able.length === 0)
    throw new AppError(
      'request.invalid',
      `No such provider takes ${needsOf(wanted)
        .map(({ words }) => words)
        .join(' and ')}`,
    );
  for (const { provider, images, sizes } of able) {
    const image = images.find((one) => fitsImage(one, wanted, images));
    const size = sizes.find((one) => fitsSize(one, wanted, sizes));
    if (image && size) return { provider, image: image.image.id, size: size.size.id };
  }
  throw new AppError('request.invalid', 'No provider has such a machine');
}

/** The first provider that has such things at all, or the one that is asked for. Throws `request.invalid`. */
export function chooseProvider(
  offers: readonly Offer[],
  wanted: Wanted,
  capability: 'machines' | 'volumes' | 'networks',
): Offer['provider'] {
  const [offer] = offersFor(offers, wanted, capability);
  if (!offer) throw new AppError('request.invalid', `No provider has ${capability}`);
  return offer.provider;
}

function offersFor(offers: readonly Offer[], { attributes }: Wanted, capability: string): readonly Offer[] {
  const asked = attributes.get('medusa.provider.id');
  return offers.filter(
    ({ provider }) => has(provider, capability) && (asked === undefined || asked === provider.id),
  );
}

function isAsked<One extends Image | Size>(one: One, { mixins }: Wanted, all: readonly One[]): boolean {
  const asked = all.filter(({ mixin }) => mixins.includes(identifierOf(mixin)));
  return asked.length === 0 ? !isTemplateMissing(one, mixins) : asked.includes(one);
}

/** A template of another provider is asked for: none of this provider's will do. */
function isTemplateMissing({ mixin }: Image | Size, mixins: readonly string[]): boolean {
  return mixins.some((one) => one.startsWith(mixin.scheme));
}

function fitsImage(one: Image, wanted: Wanted, all: readonly Image[]): boolean {
  return isAsked(one, wanted, all) && hasArchitecture(one.image.architecture, wanted);
}

function fitsSize(one: Size, wanted: Wanted, all: readonly Size[]): boolean {
  const { size } = one;
  const least = (name: string): number => Number(wanted.attributes.get(name) ?? 0);
  return (
    isAsked(one, wanted, all) &&
    hasArchitecture(size.architecture, wanted) &&
    size.cpus >= least('occi.compute.cores') &&
    size.memoryMiB >= least('occi.compute.memory') * 1_024 &&
    hasGpu(size.gpu, wanted)
  );
}

function hasArchitecture(has: string | null, { attributes }: Wanted): boolean {
  const asked = attributes.get('occi.compute.architecture');
  return asked === undefined || has === null || has === asked;
}

function hasGpu(has: Size['size']['gpu'], { mixins, attributes }: Wanted): boolean {
  if (!mixins.includes(identifierOf(gpuMixin))) return true;
  const model = attributes.get('medusa.gpu.model');
  const count = Number(attributes.get('medusa.gpu.count') ?? 1);
  return has !== null && has.count >= count && (model === undefined || has.model === model);
}

const notKnown = ['vendor', 'memory', 'share', 'mig_profile'].map((name) => `medusa.gpu.${name}`);

/** What no catalogue tells cannot be promised. */
function refuseUnknown({ attributes }: Wanted): void {
  const name = [...notKnown, 'occi.compute.share', 'occi.compute.speed'].find((one) => attributes.has(one));
  if (name === undefined) return;
  const message = `${name} cannot be asked for: no provider tells it`;
  throw new AppError('request.invalid', message, { errors: [{ pointer: `/attributes/${name}`, message }] });
}
