import { getCACertificates } from 'node:tls';
import { readFileSync } from 'node:fs';
import type { Bucket } from './bucket.ts';
import { openFolderBucket } from './folder-bucket.ts';
import { openHttpClient, type HttpClient } from './http-client.ts';
import { openS3Bucket } from './s3-bucket.ts';
import type { S3Settings } from './s3-call.ts';
import { openSwiftBucket } from './swift-bucket.ts';
import type { SwiftSettings } from './swift-account.ts';

/** Over HTTPS; `ca` is a file of PEM, or `system` for what the machine trusts, by default what the process does. */
type Trust = { readonly ca?: string | undefined };
/** What is longer is sent in parts of this length. */
type Parts = { readonly partBytes?: number };
export type BucketSettings =
  | { readonly kind: 'folder'; readonly folder: string }
  | ({ readonly kind: 's3' } & S3Settings & Trust & Parts)
  | ({ readonly kind: 'swift' } & SwiftSettings & Trust & Parts);

/** A storage server that died is given up long before, by those who know of the others. */
const silenceMs = 30_000;
/** Short enough to be sent once more, and for every service to take. */
const usualPartBytes = 2 ** 30;

export function openBucket(settings: BucketSettings): Bucket {
  switch (settings.kind) {
    case 'folder':
      return openFolderBucket(settings.folder);
    case 's3':
      return openS3Bucket(settings, clientOf(settings), settings.partBytes ?? usualPartBytes);
    case 'swift':
      return openSwiftBucket(settings, clientOf(settings), settings.partBytes ?? usualPartBytes);
  }
}

function clientOf({ ca }: Trust): HttpClient {
  const trusted = ca === 'system' ? getCACertificates('system').join('\n') : ca && readFileSync(ca, 'utf8');
  return openHttpClient({ silenceMs, ca: trusted });
}
