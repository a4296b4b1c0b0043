import { randomUUID } from 'node:crypto';
import { access, copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const usage = `Puts a backup in the place of a storage node's index. The node must not run.

  node infra/storage/restore-index.ts DIRECTORY BACKUP.sqlite

DIRECTORY is the node's MEDUSA_STORAGE_DIR. At its next start the node finds what came after the backup: in its objects, in the object
store and at its peers. The index before is kept as index.sqlite.before.
`;

const [directory, backup] = process.argv.slice(2);
if (directory === undefined || backup === undefined) {
  process.stderr.write(usage);
  process.exit(2);
}
const place = join(directory, 'index.sqlite');
const incoming = `${place}.restored`;
await rm(incoming, { force: true });
await copyFile(backup, incoming);
const database = new DatabaseSync(incoming);
const [check] = database.prepare('PRAGMA quick_check').all();
if (check?.['quick_check'] !== 'ok') throw new Error('The backup is damaged');
// Others have seen changes that this index does not know: it is another one to them. What lies in the object store is asked anew.
database.prepare("UPDATE meta SET value = ? WHERE name = 'index-id'").run(randomUUID());
database.exec("DELETE FROM meta WHERE name LIKE 'listed %'");
database.close();
const isThere = await access(place).then(
  () => true,
  () => false,
);
if (isThere) await rename(place, `${place}.before`);
for (const rest of ['-wal', '-shm']) await rm(`${place}${rest}`, { force: true });
await rename(incoming, place);
