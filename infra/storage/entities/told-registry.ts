import { existsSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { TypedEmitter } from '@medusa/kernel';
import { toldRegistrySchema, type PutEntity, type ToldRegistry } from '@medusa/protocol';
import type { Logger } from 'pino';
import type { Entity, EntityRegistry, Registry } from './registry.ts';

/** What the broker's administrators want, kept here so that it outlives a restart without the broker. */
export interface ToldEntities extends EntityRegistry {
  readonly events: TypedEmitter<{ taken: [] }>;
  /** On the disk and in force when it resolves. */
  take(told: ToldRegistry): Promise<void>;
  /** Undefined: the broker has never told anything. */
  revision(): number | undefined;
  /** Those that are to be asked by C-ECHO whether they are there. */
  probed(): Promise<ReadonlyMap<string, Entity>>;
}

/** On top of what a file on this node says: where both name an entity, the broker counts. */
export async function openToldEntities(
  path: string,
  { file, log }: { file: EntityRegistry; log: Logger },
): Promise<ToldEntities> {
  let told = await readKept(path, log);
  let merged: { readonly base: Registry; readonly told: typeof told; readonly result: Registry } | undefined;
  const current = async (): Promise<Registry> => {
    const base = await file.current();
    if (merged?.base !== base || merged.told !== told)
      merged = { base, told, result: told ? withTold(base, told) : base };
    return merged.result;
  };
  const events = new TypedEmitter<{ taken: [] }>((error) => log.error({ err: error }, 'a listener failed'));
  return {
    events,
    current,
    revision: () => told?.revision,
    async take(next) {
      const part = `${path}.part`;
      await using handle = await open(part, 'w', 0o600);
      await handle.writeFile(JSON.stringify(next));
      await handle.sync();
      await rename(part, path);
      told = next;
      events.emit('taken');
      log.info(
        { revision: next.revision, entities: Object.keys(next.entities).length },
        'registry of application entities taken from the broker',
      );
    },
    async probed() {
      const { entities } = await current();
      return new Map(
        Object.entries(entities).filter(
          ([title, { host }]) => host !== undefined && (told?.entities[title]?.isProbed ?? true),
        ),
      );
    },
  };
}

async function readKept(path: string, log: Logger): Promise<ToldRegistry | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    return toldRegistrySchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    log.error(
      { err: error },
      'what the broker told of application entities is broken; it is asked for again',
    );
    return undefined;
  }
}

function withTold(base: Registry, told: ToldRegistry): Registry {
  const wishes = Object.entries(told.entities);
  return {
    unlisted: told.unlisted ?? base.unlisted,
    entities: {
      ...base.entities,
      ...Object.fromEntries(wishes.map(([title, wish]) => [title, entityOf(wish)])),
    },
    forward: {
      ...base.forward,
      ...Object.fromEntries(
        wishes.flatMap(([from, { forwardTo }]) =>
          forwardTo.map((to) => [`${from} to ${to}`, { to, from: [from], modalities: [] }]),
        ),
      ),
    },
    priors: {
      ...base.priors,
      ...Object.fromEntries(
        wishes.flatMap(([from, { priors }]) => (priors ? [[`of ${from}`, { from, ...priors }]] : [])),
      ),
    },
  };
}

function entityOf({ host, port, tls, fingerprints, may, sopClasses, mostGiBPerDay }: PutEntity): Entity {
  return {
    ...(host !== null && port !== null && { host, port }),
    ...{ tls, may, sopClasses },
    ...(mostGiBPerDay !== null && { mostGiBPerDay }),
    certificates: fingerprints.map((fingerprint256) => ({ fingerprint256 })),
  };
}
