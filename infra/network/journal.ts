import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { hostAddressSchema, hostGroupSchema, hostNetworkSchema, hostPortSchema } from '@medusa/protocol';
import { z } from 'zod';

const kept = { isRemoving: z.boolean(), createdAt: z.iso.datetime() };
const journalSchema = z.object({
  version: z.literal(1),
  networks: z.array(
    hostNetworkSchema.extend({
      ...kept,
      /** The tag inside this host's switch: of no meaning to others. */
      localVlan: z.int(),
    }),
  ),
  ports: z.array(
    hostPortSchema.extend({
      ...kept,
      mac: z.string(),
      addresses: z.array(z.string()),
      madeNamespace: z.boolean(),
    }),
  ),
  groups: z.array(hostGroupSchema.extend(kept)),
  addresses: z.array(
    hostAddressSchema.extend({ ...kept, address: z.string(), assignedTo: z.string().nullable() }),
  ),
  /** What this program has switched on for the whole host, to be switched off with the last network. */
  switchedOn: z.array(z.string()),
});

/**
 * What is wanted on this host. It is written before anything is made, and what shall go stays in it until it is gone: after a
 * crash at any point the next command finds everything that may be there.
 */
export type Journal = z.infer<typeof journalSchema>;
export type WantedNetwork = Journal['networks'][number];
export type WantedPort = Journal['ports'][number];

export const emptyJournal: Journal = {
  version: 1,
  networks: [],
  ports: [],
  groups: [],
  addresses: [],
  switchedOn: [],
};

export async function loadJournal(stateDir: string): Promise<Journal> {
  let text: string;
  try {
    text = await readFile(path.join(stateDir, 'journal.json'), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return emptyJournal;
    throw error;
  }
  return journalSchema.parse(JSON.parse(text));
}

/** Whole or not at all, and on the disk when it resolves. */
export async function saveJournal(stateDir: string, journal: Journal): Promise<void> {
  const file = path.join(stateDir, 'journal.json');
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(JSON.stringify(journal));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}
