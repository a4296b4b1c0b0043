import { z } from 'zod';
import { ProviderError } from '../../port/index.ts';

/** `2.90`: the minor is a number of its own, not a fraction. */
const dotted = z.string().regex(/^\d+\.\d+$/);
const rangeSchema = z.object({
  id: z.string().optional(),
  min_version: z.string().optional(),
  /** Nova, Cinder and Ironic. */
  version: z.string().optional(),
  /** Placement. */
  max_version: z.string().optional(),
});

/** What the services answer to who asks for their version. */
export const versionDocumentSchema = z.union([
  z.object({ version: rangeSchema }),
  z.object({ default_version: rangeSchema }),
  z.object({ versions: z.array(rangeSchema).min(1) }),
]);
type VersionDocument = z.infer<typeof versionDocumentSchema>;

/**
 * The newest microversion that both sides know; null where the service has none.
 * `known` is the newest whose changes were read and taken into account here.
 */
export function chooseMicroversion(what: string, document: VersionDocument, known: string): string | null {
  const range = rangeOf(document, known);
  const newest = dotted.safeParse(range?.version ?? range?.max_version).data;
  if (newest === undefined) return null;
  const oldest = dotted.safeParse(range?.min_version).data ?? newest;
  if (minorOf(oldest) > minorOf(known))
    throw new ProviderError(
      'invalid',
      `${what} speaks ${oldest} and newer, but ${known} is what is known here`,
    );
  return minorOf(newest) < minorOf(known) ? newest : known;
}

/** Of several versions the one with the same major. */
function rangeOf(document: VersionDocument, known: string): z.infer<typeof rangeSchema> | undefined {
  if ('version' in document) return document.version;
  if ('default_version' in document) return document.default_version;
  const major = known.split('.')[0];
  return document.versions.find(({ id }) => id?.startsWith(`v${String(major)}.`)) ?? document.versions[0];
}

export function minorOf(version: string): number {
  return Number(version.split('.')[1]);
}
