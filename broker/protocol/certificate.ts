import { z } from 'zod';
import { aeTitleSchema } from './entity.ts';
import { instantSchema, nodeIdSchema } from './ids.ts';

const mostPem = 16_384;
const pemSchema = z.string().trim().max(mostPem);

const requestSchema = pemSchema.regex(
  /^-----BEGIN (NEW )?CERTIFICATE REQUEST-----\s[A-Za-z0-9+/=\s]+-----END (NEW )?CERTIFICATE REQUEST-----$/,
  'A certificate request begins with -----BEGIN CERTIFICATE REQUEST-----',
);
const certificateSchema = pemSchema.regex(
  /^-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----$/,
  'One certificate, which begins with -----BEGIN CERTIFICATE-----',
);
const hostNameSchema = z
  .string()
  .trim()
  .max(255)
  .regex(/^[A-Za-z0-9._:-]+$/, 'A host name or an IP address');

/** What an application entity makes with a key that it keeps to itself (PKCS #10, in PEM). */
export const certificateRequestSchema = z.strictObject({
  /** Whose authority signs. */
  nodeId: nodeIdSchema,
  request: requestSchema,
  /** By which others call it; its AE title is its common name in any case. */
  hosts: z.array(hostNameSchema).max(8).default([]),
});
export type CertificateRequest = z.infer<typeof certificateRequestSchema>;

/** In PEM. */
export const signedCertificateSchema = z.object({
  certificate: z.string(),
  /** What it is to believe: every authority that the storage node believes. */
  authorities: z.string(),
  /** SHA-256. */
  fingerprint256: z.string(),
  endsAt: instantSchema,
});
export type SignedCertificate = z.infer<typeof signedCertificateSchema>;

export const revocationSchema = z.strictObject({ nodeId: nodeIdSchema, certificate: certificateSchema });
export type Revocation = z.infer<typeof revocationSchema>;

/** What a storage node is asked for an application entity. */
export const signCommandSchema = certificateRequestSchema
  .omit({ nodeId: true })
  .extend({ title: aeTitleSchema });
export const revokeCommandSchema = revocationSchema.omit({ nodeId: true }).extend({ title: aeTitleSchema });
