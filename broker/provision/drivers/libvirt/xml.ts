import { XMLBuilder } from 'fast-xml-parser';
import { z } from 'zod';
import { ProviderError, type OwnerTag } from '../../port/index.ts';
import { readXml } from '../xml/document.ts';

// eslint-disable-next-line @typescript-eslint/no-deprecated -- moved to a package of its own, which this one brings along
const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
});

/** XML 1.0 §2.2: characters that cannot be in a document at all. */
// eslint-disable-next-line no-control-regex -- these are the ones
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** Builds a document from plain objects, attributes as `@name`: whatever is in a value stays a value. */
export function writeXml(document: object): string {
  const text = builder.build(document);
  if (forbidden.test(text))
    throw new ProviderError('invalid', 'A value has characters that XML does not know');
  return text;
}

const namespace = 'urn:medusa:provision:1';

/** libvirt keeps what is in `<metadata>` under a namespace of ours as it is (libvirt.org/formatdomain.html, "metadata"). */
export function metadataOf(tag: OwnerTag, facts: { name: string; image: string; size: string }): object {
  return {
    'medusa:tag': {
      '@xmlns:medusa': namespace,
      '@owner': tag.owner,
      '@resource': tag.resource,
      '@incarnation': String(tag.incarnation),
      '@name': facts.name,
      '@image': facts.image,
      '@size': facts.size,
    },
  };
}

const tagSchema = z.object({
  '@owner': z.string(),
  '@resource': z.string(),
  '@incarnation': z.coerce.number().int(),
  '@image': z.string(),
  '@size': z.string(),
});

const diskSchema = z.object({
  source: z.object({ '@volume': z.string().optional() }).or(z.literal('')).optional(),
  target: z.object({ '@dev': z.string() }).optional(),
});

const domainSchema = z.object({
  domain: z.object({
    name: z.string(),
    metadata: z.object({ 'medusa:tag': tagSchema.optional() }).or(z.literal('')).optional(),
    devices: z
      .object({ disk: z.array(diskSchema).optional() })
      .or(z.literal(''))
      .optional(),
  }),
});

export type Domain = {
  readonly name: string;
  readonly tag: OwnerTag;
  readonly image: string;
  readonly size: string;
  /** Its volumes, and the names the machine was asked to give them. */
  readonly disks: readonly { readonly volume: string; readonly device: string }[];
};

/** `undefined` when the domain is not ours. */
export function readDomain(text: string): Domain | undefined {
  const { domain } = parsed(domainSchema, readXml(text, ['disk']));
  const tag = domain.metadata === '' ? undefined : domain.metadata?.['medusa:tag'];
  if (!tag) return undefined;
  const devices = domain.devices === '' ? undefined : domain.devices;
  return {
    name: domain.name,
    tag: { owner: tag['@owner'], resource: tag['@resource'], incarnation: tag['@incarnation'] },
    image: tag['@image'],
    size: tag['@size'],
    disks: (devices?.disk ?? []).flatMap(({ source, target }) => {
      const volume = source === '' ? undefined : source?.['@volume'];
      return volume === undefined || !target ? [] : [{ volume, device: target['@dev'] }];
    }),
  };
}

export function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ProviderError('transient', `libvirt's answer is not understood: ${result.error.message}`);
}
