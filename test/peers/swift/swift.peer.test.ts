import { randomBytes } from 'node:crypto';
import { openBucket, type BucketSettings } from '@medusa/infra/storage/objects';
import { describeBucket, type BucketUnderTest } from '@medusa/infra/storage/objects/contract';
import { afterAll, beforeAll, describe } from 'vitest';
import { requirePackages, startPeer, type Peer } from '../support/peer.ts';

// Where SWIFT_ROOT names unpacked packages nothing is installed.
const missing =
  process.env['SWIFT_ROOT'] === undefined
    ? requirePackages('swift-proxy', 'swift-account', 'swift-container', 'swift-object', 'memcached')
    : undefined;

let peer: Peer;
const exported = (name: string): string => peer.exports[name] ?? '';
const container = `medusa-${randomBytes(4).toString('hex')}`;
const nobody = 'http://127.0.0.1:1';

const s3 = (endpoint: string): BucketSettings => ({
  kind: 's3',
  endpoint,
  bucket: container,
  region: 'us-east-1',
  accessKeyId: exported('SWIFT_USER'),
  secretAccessKey: exported('SWIFT_KEY'),
});
const swift = (url: string): BucketSettings => ({
  kind: 'swift',
  authUrl: `${url}/auth/v1.0`,
  container,
  user: exported('SWIFT_USER'),
  secret: exported('SWIFT_KEY'),
  domain: 'Default',
});
const under = (settings: (url: string) => BucketSettings): BucketUnderTest => ({
  bucket: openBucket(settings(exported('SWIFT_URL'))),
  unreachable: openBucket(settings(nobody)),
});

describe.skipIf(missing !== undefined)('Swift', () => {
  beforeAll(async () => {
    peer = await startPeer('swift');
  });
  afterAll(async () => peer[Symbol.asyncDispose]());

  describeBucket('Swift', () => under(swift));
  describeBucket("Swift's S3 API", () => under(s3));
});
