import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { describeBucket } from './bucket.contract.ts';
import { openFolderBucket } from './folder-bucket.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folder-bucket-'));
  await writeFile(join(folder, 'no-folder'), '');
});
afterAll(async () => rm(folder, { recursive: true }));

describeBucket('a folder', () => ({
  bucket: openFolderBucket(join(folder, 'objects')),
  unreachable: openFolderBucket(join(folder, 'no-folder')),
}));
