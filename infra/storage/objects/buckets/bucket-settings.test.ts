import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bucketConfigShape, bucketSettingsOf, missingOf } from './bucket-settings.ts';

const schema = z.object(bucketConfigShape);

describe('settings of the place for objects', () => {
  it('name what is needed and not there', () => {
    expect(missingOf(schema.parse({}))).toEqual([]);
    expect(missingOf(schema.parse({ objects: 'folder' }))).toEqual(['objectsUrl']);
    expect(missingOf(schema.parse({ objects: 's3' }))).toEqual([
      'objectsUrl',
      'objectsContainer',
      'objectsUser',
      'objectsSecret',
    ]);
    const given = { objectsUrl: 'http://x/v3', objectsContainer: 'images', objectsUser: 'user' };
    expect(missingOf(schema.parse({ objects: 'swift', ...given, objectsSecretFile: '/secret' }))).toEqual([]);
  });

  it('refuse names that another could read otherwise', () => {
    expect(schema.safeParse({ objectsPrefix: 'site a/' }).success).toBe(false);
    expect(schema.safeParse({ objects: 'azure' }).success).toBe(false);
  });

  it('take the secret from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bucket-settings-'));
    const file = join(folder, 'secret');
    await writeFile(file, 'very secret\n');
    const given = { objectsUrl: 'http://x', objectsContainer: 'images', objectsUser: 'user' };

    const settings = await bucketSettingsOf(
      schema.parse({ objects: 's3', ...given, objectsSecretFile: file }),
    );

    expect(settings).toMatchObject({ kind: 's3', secretAccessKey: 'very secret', region: 'us-east-1' });
    await rm(folder, { recursive: true });
  });
});
