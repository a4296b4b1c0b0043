import { randomInt } from 'node:crypto';
import { nodeIdSchema } from '@medusa/protocol';
import pg from 'pg';
import { z } from 'zod';
import type { Notice, Presence } from '../provision/index.ts';
import { presenceClass } from './provision-work.ts';

const noticeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['work', 'service', 'changed']) }),
  z.object({ kind: z.literal('node'), nodeId: nodeIdSchema }),
]);

/**
 * A connection of its own that holds an advisory lock: PostgreSQL lets go of it in the moment the broker is gone, and with it of all
 * its claims. The same connection hears what the brokers tell each other.
 */
export async function openPresence(url: string, onNotice: (notice: Notice) => void): Promise<Presence> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: 'medusa broker presence',
  });
  const lost = new AbortController();
  const lose = (): void =>
    lost.abort(new Error('The connection that shows this broker to the others is lost'));
  client.on('error', lose);
  client.on('end', lose);
  client.on('notification', ({ payload }) => {
    const notice = noticeSchema.safeParse(parseJson(payload ?? ''));
    if (notice.success) onNotice(notice.data);
  });
  try {
    await client.connect();
    const instance = await takeNumber(client);
    await client.query('listen medusa_provision');
    return {
      instance,
      lost: lost.signal,
      async [Symbol.asyncDispose]() {
        await client.end();
      },
    };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

async function takeNumber(client: pg.Client): Promise<number> {
  for (;;) {
    const instance = randomInt(1, 2 ** 31 - 1);
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1, $2) as taken', [
      presenceClass,
      instance,
    ]);
    if (rows[0]?.taken === true) return instance;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
