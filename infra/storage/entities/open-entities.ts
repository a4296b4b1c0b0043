import path from 'node:path';
import type { StorageHeartbeat } from '@medusa/protocol';
import type { Logger } from 'pino';
import type { StorageConfig } from '../config.ts';
import type { Refusal } from '../dimse/association.ts';
import { nothingToDo, type JobState } from '../index/jobs.ts';
import { isStored, type Ingest } from '../ingest/ingest.ts';
import type { PeerCertificate } from './admission.ts';
import { openPeerBook, type PeerBook } from './peer-book.ts';
import { openRegistry } from './registry.ts';
import { openToldEntities, type ToldEntities } from './told-registry.ts';

/** The application entities that this node knows, and what it sees of them. */
export interface Entities extends AsyncDisposable {
  readonly registry: ToldEntities;
  readonly book: PeerBook;
  /** Counts what comes in, and lets nobody store more than may be of it. */
  counted(ingest: Ingest): Ingest;
  refused(refusal: Refusal): void;
  admitted(title: string, certificate: PeerCertificate | undefined): void;
  /** @param known objects in quarantine, by who sent them, and what is still to be done, by whom it is towards */
  heartbeat(known: {
    quarantined: ReadonlyMap<string, number>;
    jobs: ReadonlyMap<string, JobState>;
  }): Pick<StorageHeartbeat, 'registryRevision' | 'entities'>;
}

export async function openEntities(
  config: Pick<StorageConfig, 'directory' | 'registry'>,
  { log, report }: { log: Logger; report: (error: unknown) => void },
): Promise<Entities> {
  const at = (name: string): string => path.join(config.directory, name);
  const file = await openRegistry(config.registry, log);
  const registry = await openToldEntities(at('entities.json'), { file, log });
  const book = openPeerBook(at('received-today.json'), { now: () => new Date(), report });
  return {
    registry,
    book,
    counted: (ingest) => counted(ingest, { registry, book }),
    refused: ({ title, reason }) => book.refused(title === '' ? 'unknown' : title, reason),
    admitted: (title, certificate) => book.admitted(title, certificate?.endsAt),
    heartbeat({ quarantined, jobs }) {
      const registryRevision = registry.revision();
      const statuses = book.statuses().map((status) => ({
        ...status,
        quarantined: quarantined.get(status.title) ?? 0,
        ...(jobs.get(status.title) ?? nothingToDo),
      }));
      return { ...(registryRevision !== undefined && { registryRevision }), entities: statuses };
    },
    [Symbol.asyncDispose]: async () => book[Symbol.asyncDispose](),
  };
}

function counted(ingest: Ingest, { registry, book }: Pick<Entities, 'registry' | 'book'>): Ingest {
  return {
    async begin(meta, sender, header) {
      const { receivedFrom } = sender;
      const { entities } = await registry.current();
      const most = Object.hasOwn(entities, receivedFrom) ? entities[receivedFrom]?.mostGiBPerDay : undefined;
      if (most !== undefined && book.bytesToday(receivedFrom) >= most * 2 ** 30) {
        book.refused(receivedFrom, 'more than it may store in a day');
        return undefined;
      }
      const arrival = await ingest.begin(meta, sender, header);
      if (!arrival) return undefined;
      let bytes = 0;
      return {
        write(chunk): Promise<void> | undefined {
          bytes += chunk.length;
          return arrival.write(chunk);
        },
        async complete() {
          const outcome = await arrival.complete();
          if (isStored(outcome)) book.received(receivedFrom, bytes);
          return outcome;
        },
        discard: async () => arrival.discard(),
      };
    },
  };
}
