import type { Request } from 'express';

/** Where the caller sees this service: the broker stands before it and tells its own address. */
export function serviceRoot(req: Request): string {
  const host = req.get('x-forwarded-host') ?? req.get('host') ?? '';
  // It is written into JSON text as it stands, so it may hold nothing but what an address holds.
  return `https://${/^[\w.:[\]-]+$/.test(host) ? host : 'localhost'}/dicomweb`;
}

/** The index keeps BulkDataURIs without the instance's URL. The text cannot stand within a value: there the quotes are escaped. */
export function withBulkUrls(metadata: string, instanceUrl: string): string {
  return metadata.replaceAll('"BulkDataURI":"/bulkdata/', `"BulkDataURI":"${instanceUrl}/bulkdata/`);
}
