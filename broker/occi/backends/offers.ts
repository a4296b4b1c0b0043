import type { ProviderCatalog, ProviderView } from '@medusa/protocol';
import type { Provisioning } from '../../provision/index.ts';
import {
  computeKind,
  identifierOf,
  mixinOf,
  osTemplateMixin,
  resourceTemplateMixin,
  type Mixin,
} from '../model/index.ts';
import { termOf } from './term.ts';

type Image = ProviderCatalog['images'][number];
type Size = ProviderCatalog['sizes'][number];

type Known = {
  readonly offers: readonly Offer[];
  /** When catalogues are asked for anew, in ms since the epoch. */
  readonly until: number;
  /** When it is asked anew which providers there are. */
  readonly lookAt: number;
  /** Who was asked. */
  readonly providers: string;
};

/** What one provider has, each image and size with the mixin that stands for it. */
export type Offer = {
  readonly provider: ProviderView;
  readonly images: readonly { readonly image: Image; readonly mixin: Mixin }[];
  /** The smallest first. */
  readonly sizes: readonly { readonly size: Size; readonly mixin: Mixin }[];
};

/** Reads what all providers have. Answers what it knows while it asks anew. */
export type Offers = () => Promise<readonly Offer[]>;

const lookMs = 1_000;
const freshMs = 60_000;
/** A provider that had no answer is asked again sooner. */
const retryMs = 5_000;
const patienceMs = 5_000;

/**
 * A provider that does not answer in time, or refuses, has nothing until it does; `report` is told. Nobody but the first one ever
 * waits for a provider.
 */
export function createOffers({
  provisioning,
  now,
  report,
}: {
  readonly provisioning: Pick<Provisioning, 'providers' | 'catalog'>;
  readonly now: () => number;
  readonly report: (error: unknown) => void;
}): Offers {
  let known: Known | undefined;
  let asking: Promise<readonly Offer[]> | undefined;
  const catalogOf = async ({ id }: ProviderView): Promise<ProviderCatalog | undefined> => {
    try {
      return await provisioning.catalog(id, AbortSignal.timeout(patienceMs));
    } catch (error) {
      report(error);
      return undefined;
    }
  };
  const look = async (): Promise<readonly Offer[]> => {
    const providers = (await provisioning.providers()).filter(({ isEnabled }) => isEnabled);
    const lookAt = now() + lookMs;
    const ids = namesOf(providers);
    if (known?.providers === ids && now() < known.until) {
      // What a provider can is known when it was reached first: sooner than its catalogue is asked for anew.
      const views = new Map(providers.map((one) => [one.id, one]));
      const offers = known.offers.map((offer) => ({
        ...offer,
        provider: views.get(offer.provider.id) ?? offer.provider,
      }));
      known = { ...known, lookAt, offers };
    } else {
      const catalogs = await Promise.all(providers.map(catalogOf));
      const offers = providers.map((one, index) => offerOf(one, catalogs[index]));
      const until = now() + (catalogs.includes(undefined) ? retryMs : freshMs);
      known = { offers, until, lookAt, providers: ids };
    }
    return known.offers;
  };
  const refresh = async (): Promise<readonly Offer[]> =>
    (asking ??= look().finally(() => (asking = undefined)));
  return async () => {
    if (!known) return refresh();
    if (now() >= known.lookAt) refresh().catch(report);
    return known.offers;
  };
}

function namesOf(providers: readonly ProviderView[]): string {
  return providers.map(({ id }) => id).join(' ');
}

function offerOf(provider: ProviderView, catalog: ProviderCatalog | undefined): Offer {
  const { images = [], sizes = [] } = catalog ?? {};
  return {
    provider,
    images: images.map((image) => ({
      image,
      mixin: templateOf(osTemplateMixin, provider, image),
    })),
    sizes: sizes
      .toSorted((a, b) => weightOf(a) - weightOf(b))
      .map((size) => ({ size, mixin: templateOf(resourceTemplateMixin, provider, size) })),
  };
}

/** One with a graphics processor only when nothing without will do. */
function weightOf({ cpus, memoryMiB, gpu }: Size): number {
  return (gpu?.count ?? 0) * 1e9 + cpus * 1e4 + memoryMiB / 1e3;
}

function templateOf(
  { term, title }: Mixin,
  provider: ProviderView,
  { id, name }: Pick<Image, 'id' | 'name'>,
): Mixin {
  const own = termOf(`${provider.id}-${id}`);
  const parent = term === osTemplateMixin.term ? osTemplateMixin : resourceTemplateMixin;
  return mixinOf({
    ...{
      scheme: `http://medusa.example/occi/${term}#`,
      term: own,
      title: `${title}: ${name} at ${provider.title}`,
    },
    depends: [identifierOf(parent)],
    applies: [identifierOf(computeKind)],
    location: `/mixins/${term}/${own}/`,
  });
}
