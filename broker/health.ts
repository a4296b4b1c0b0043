import { sql } from 'kysely';
import type { Health } from './http/index.ts';
import type { NodeRegistry } from './node/index.ts';
import type { Db } from './persistence/index.ts';
import type { Sessions } from './session/index.ts';

/** Whether a study could be opened now, and if not, what is missing first. */
export async function readHealth(deps: { db: Db; nodes: NodeRegistry; sessions: Sessions }): Promise<Health> {
  const database = await checkDatabase(deps.db);
  const storage = deps.nodes.storageUrl() === undefined ? 'no storage node is connected' : 'ok';
  const render = database === 'ok' ? await checkRenderNodes(deps) : 'unknown';
  const checks = { database, storage, render };
  const reason = Object.values(checks).find((found) => found !== 'ok') ?? 'ok';
  return { isHealthy: reason === 'ok', reason, checks };
}

async function checkDatabase(db: Db): Promise<string> {
  try {
    await sql`select 1`.execute(db);
    return 'ok';
  } catch {
    return 'the database does not answer';
  }
}

async function checkRenderNodes({
  nodes,
  sessions,
}: {
  nodes: NodeRegistry;
  sessions: Sessions;
}): Promise<string> {
  const all = nodes.views().filter(({ kind }) => kind === 'render');
  const ready = all.filter(({ id, state }) => state === 'ready' && nodes.hasLink(id));
  if (ready.length === 0) {
    const seen = all.find(({ state }) => state !== 'absent');
    return seen ? `render node ${seen.id} is ${seen.state}: ${seen.reason}` : 'there is no render node';
  }
  for (const { id, capabilities } of ready)
    if ((await sessions.liveOn(id)).length < (capabilities?.slots ?? 0)) return 'ok';
  return 'all slots are taken';
}
