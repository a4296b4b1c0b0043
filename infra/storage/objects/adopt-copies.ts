import { access } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { IndexDatabase } from '../index/index-database.ts';
import type { Copies, Copy } from './copies.ts';
import type { FileStore } from './file-store.ts';
import type { RemoteCopies } from './remote-copies.ts';

type AdoptDeps = {
  readonly index: IndexDatabase;
  readonly copies: Copies;
  readonly remote: Pick<RemoteCopies, 'list'>;
  readonly local: Pick<FileStore, 'pathOf'>;
  readonly log: Logger;
};

const batchObjects = 1_000;

/** An index that is new asks once what lies in the object store, so that nothing is lost with the one before it. */
export async function adoptCopies(prefix: string, deps: AdoptDeps): Promise<void> {
  const { index, copies, remote, log } = deps;
  const mark = `listed ${prefix}`;
  if (index.get('SELECT 1 FROM meta WHERE name = ?', mark)) return;
  let adopted = 0;
  let batch: Copy[] = [];
  const adopt = async (): Promise<void> => {
    const local = await Promise.all(batch.map(async ({ sha256 }) => isHere(deps, sha256)));
    for (const isLocal of [true, false])
      copies.record(
        batch.filter((_, at) => local[at] === isLocal),
        isLocal,
      );
    adopted += batch.length;
    batch = [];
  };
  try {
    for await (const copy of remote.list()) {
      if (copies.find(copy.sha256)) continue;
      batch.push(copy);
      if (batch.length === batchObjects) await adopt();
    }
    await adopt();
    index.run("INSERT OR IGNORE INTO meta VALUES (?, '')", mark);
    log.info({ adopted }, 'it is known what lies in the object store');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn(
      { adopted, reason },
      'the object store does not say what lies there; asked again at the next start',
    );
  }
}

async function isHere({ local }: AdoptDeps, sha256: string): Promise<boolean> {
  return access(local.pathOf(sha256)).then(
    () => true,
    () => false,
  );
}
