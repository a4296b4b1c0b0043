import type { Term } from '@medusa/protocol';
import { leavesOf } from './negotiation.ts';

type DescribedService = {
  readonly serviceName: string;
  /** A name of the catalogue, or a document. */
  readonly manifest: string;
};

/** The services that an agreement describes by a manifest. */
export function describedServices({ terms }: { readonly terms: Term }): readonly DescribedService[] {
  return leavesOf(terms).flatMap((leaf) => {
    if (leaf.kind !== 'ServiceDescriptionTerm') return [];
    const { serviceName, manifest } = leaf;
    return { serviceName, manifest: 'inline' in manifest ? manifest.inline : manifest.name };
  });
}
