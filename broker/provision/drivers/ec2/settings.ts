import { z } from 'zod';

/** Where a cloud's machines get their own credentials. */
const metadataHosts = /^(169\.254\.|\[fe80:|\[fd00:ec2:|metadata\.)/i;

/** Keys sign every request, but requests carry tokens of guests: not in the clear, except to this very machine. */
const endpointSchema = z.url({ protocol: /^https?$/ }).refine((text) => {
  const { protocol, hostname } = new URL(text);
  const isHere = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
  return (protocol === 'https:' && !metadataHosts.test(hostname)) || isHere;
}, 'https, or http on this machine; never a metadata address');

const id = (prefix: string): z.ZodString =>
  z.string().regex(new RegExp(`^${prefix}-[0-9a-z]{8,32}$`), `an id: ${prefix}-…`);

/**
 * One region of Amazon EC2, or of another cloud that speaks its API, with the keys that are given: neither environment nor
 * profile nor metadata service is looked at.
 */
export const settingsSchema = z.strictObject({
  region: z.string().regex(/^[a-z0-9-]{2,40}$/),
  /** Absent: Amazon's own for the region. */
  endpoint: endpointSchema.optional(),
  /** PEM of the endpoint's authority, where it is a private one. */
  ca: z.string().max(100_000).optional(),
  /** Where networks and security groups of ours are made. */
  vpc: id('vpc'),
  /** Where machines lie that ask for no network. Absent: the zone's default subnet. */
  subnet: id('subnet').optional(),
  /** Where machines and volumes lie that ask for no zone. */
  zone: z.string().max(100).optional(),
  /** Instance types to offer; `*` stands for anything. */
  types: z
    .array(z.string().regex(/^[a-z0-9.*-]{1,40}$/))
    .min(1)
    .max(100)
    .default(['g4dn.*', 'g5.*', 'g6.*', 'm7i.*', 'm7g.*']),
  /** Images of these accounts are offered besides our own: account ids, or `amazon`. */
  imageOwners: z.array(z.string().max(40)).default([]),
  /** Whether machines get a public address of their own (one that is not ours to keep). Absent: as the subnet says. */
  publicAddress: z.boolean().optional(),
  /** Disks of machines and volumes are encrypted at rest, with this key or the account's own for EC2. */
  kmsKey: z.string().max(2_048).optional(),
  /** Lets machines be suspended: only for types and images that can hibernate. */
  hibernation: z.boolean().default(false),
});
export type Settings = z.infer<typeof settingsSchema>;

export const credentialsSchema = z.strictObject({
  accessKeyId: z.string().min(1).max(128),
  secretAccessKey: z.string().min(1).max(256),
  sessionToken: z.string().min(1).max(8_192).optional(),
});
export type Credentials = z.infer<typeof credentialsSchema>;
