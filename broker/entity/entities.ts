import {
  AppError,
  echoResultSchema,
  parseInput,
  signedCertificateSchema,
  type CertificateRequest,
  type EntityList,
  type EntityStatus,
  type EntityTest,
  type EntityView,
  type NodeId,
  type PutEntity,
  type Revocation,
  type SignedCertificate,
  type StorageHeartbeat,
  type ToldRegistry,
} from '@medusa/protocol';
import type { NodeRegistry } from '../node/index.ts';
import { createRates } from './rates.ts';

type EntityRecord = Pick<EntityView, 'title' | 'wish' | 'changedAt' | 'changedBy'>;
type KeptRegistry = {
  /** Grows with each change. */
  readonly revision: number;
  readonly unlisted: ToldRegistry['unlisted'];
  readonly records: readonly EntityRecord[];
};

export interface EntityStore {
  load(): Promise<KeptRegistry>;
  put(record: EntityRecord): Promise<void>;
  remove(title: string): Promise<void>;
  setUnlisted(unlisted: ToldRegistry['unlisted']): Promise<void>;
}

/** Application entities: what administrators want, what every storage node is told, and what these see of them. */
export interface Entities {
  list(): Promise<EntityList>;
  get(title: string): Promise<EntityView>;
  /** @throws AppError `entity.conflict` when it would send on to one that has no address */
  put(title: string, wish: PutEntity, by: string): Promise<EntityView>;
  /** @throws AppError `entity.conflict` while others send on to it */
  remove(title: string): Promise<void>;
  setUnlisted(unlisted: ToldRegistry['unlisted']): Promise<void>;
  /** C-ECHO now, by every connected storage node. */
  test(title: string): Promise<EntityTest>;
  /** By the authority of a storage node. @throws AppError `certificate.refused` */
  sign(title: string, asked: CertificateRequest): Promise<SignedCertificate>;
  /** That storage node believes the certificate no more. @throws AppError `certificate.refused` */
  revoke(title: string, asked: Revocation): Promise<void>;
  /** A storage node tells what it sees, and by which revision it goes. */
  heard(nodeId: NodeId, heartbeat: StorageHeartbeat): Promise<void>;
  /** Titles that are asked by C-ECHO. */
  watched(): Promise<ReadonlySet<string>>;
}

type EntityDeps = {
  readonly store: EntityStore;
  readonly nodes: Pick<NodeRegistry, 'views' | 'hasLink' | 'command'>;
  readonly now: () => Date;
  readonly report: (error: unknown) => void;
};

type Heard = { readonly revision: number | undefined; readonly statuses: readonly EntityStatus[] };

/** Of many storage nodes each tells every few seconds. */
const knownMs = 1_000;

export function createEntities({ store, nodes, now, report }: EntityDeps): Entities {
  const heard = new Map<NodeId, Heard>();
  const rates = createRates();
  const pushing = new Set<NodeId>();
  let known: { readonly kept: KeptRegistry; readonly untilMs: number } | undefined;

  const load = async (): Promise<KeptRegistry> => {
    const kept = await store.load();
    known = { kept, untilMs: now().getTime() + knownMs };
    return kept;
  };
  const storageNodes = (): NodeId[] =>
    nodes.views().flatMap(({ id, kind }) => (kind === 'storage' && nodes.hasLink(id) ? [id] : []));
  const requireLink = (nodeId: NodeId): void => {
    if (!storageNodes().includes(nodeId))
      throw new AppError('storage.unreachable', 'That storage node is not connected');
  };
  const push = async (nodeId: NodeId, kept: KeptRegistry): Promise<void> => {
    if (pushing.has(nodeId)) return;
    pushing.add(nodeId);
    try {
      await nodes.command(nodeId, 'registry.take', toldOf(kept));
      const before = heard.get(nodeId);
      if (before) heard.set(nodeId, { ...before, revision: kept.revision });
    } finally {
      pushing.delete(nodeId);
    }
  };
  /** At once, so that the one who changed it sees it act; who was not reached is told after its next heartbeat. */
  const changed = async (): Promise<KeptRegistry> => {
    const kept = await load();
    const reached = storageNodes().filter((nodeId) => heard.has(nodeId));
    await Promise.all(reached.map(async (nodeId) => push(nodeId, kept).catch(report)));
    return kept;
  };
  const viewOf = (record: EntityRecord): EntityView => {
    const seenBy = storageNodes().flatMap((nodeId) => {
      const status = heard.get(nodeId)?.statuses.find(({ title }) => title === record.title);
      return status ? [{ ...status, nodeId }] : [];
    });
    const keys = [...heard.keys()].map((nodeId) => keyOf(nodeId, record.title));
    return { ...record, nodes: seenBy, rates: rates.of(keys, now()) };
  };
  const find = ({ records }: KeptRegistry, title: string): EntityRecord => {
    const record = records.find((one) => one.title === title);
    if (!record) throw new AppError('entity.unknown', 'There is no entity of that title');
    return record;
  };

  return {
    async list() {
      const kept = await load();
      const titles = new Set(kept.records.map(({ title }) => title));
      const connected = storageNodes();
      return {
        revision: kept.revision,
        unlisted: kept.unlisted,
        entities: kept.records.map(viewOf),
        nodes: nodes.views().flatMap(({ id, kind, storage }) =>
          kind === 'storage'
            ? [
                {
                  nodeId: id,
                  aeTitle: storage?.aeTitle ?? '',
                  isConnected: connected.includes(id),
                  isCurrent: heard.get(id)?.revision === kept.revision,
                },
              ]
            : [],
        ),
        strangers: connected.flatMap((nodeId) =>
          (heard.get(nodeId)?.statuses ?? [])
            .filter(({ title }) => !titles.has(title))
            .map((status) => ({ nodeId, ...status })),
        ),
      };
    },
    get: async (title) => viewOf(find(await load(), title)),
    async put(title, wish, by) {
      const { records } = await load();
      for (const to of wish.forwardTo) {
        const target = to === title ? undefined : records.find((one) => one.title === to);
        if (!target?.wish.host)
          throw new AppError('entity.conflict', `Nothing can be sent on to ${to}: it has no address here`);
      }
      const losesAddress = wish.host === null && records.some((one) => one.wish.forwardTo.includes(title));
      if (losesAddress) throw new AppError('entity.conflict', 'Others send on to it: it needs an address');
      await store.put({ title, wish, changedAt: now().toISOString(), changedBy: by });
      return viewOf(find(await changed(), title));
    },
    async remove(title) {
      const kept = await load();
      find(kept, title);
      const senders = kept.records.filter(({ wish }) => wish.forwardTo.includes(title));
      if (senders.length > 0)
        throw new AppError('entity.conflict', `${senders.map((one) => one.title).join(', ')} send on to it`);
      await store.remove(title);
      await changed();
    },
    async setUnlisted(unlisted) {
      await store.setUnlisted(unlisted);
      await changed();
    },
    async test(title) {
      const kept = await load();
      if (find(kept, title).wish.host === null)
        throw new AppError('entity.conflict', 'It has no address: there is nothing to ask');
      const asked = storageNodes();
      if (asked.length === 0) throw new AppError('storage.unreachable', 'No storage node is connected');
      const results = await Promise.all(
        asked.map(async (nodeId) => {
          if (heard.get(nodeId)?.revision !== kept.revision) await push(nodeId, kept);
          const answer = await nodes.command(nodeId, 'entity.echo', { title });
          return { nodeId, ...parseInput(echoResultSchema, answer) };
        }),
      );
      return { results };
    },
    async sign(title, { nodeId, ...asked }) {
      find(await load(), title);
      requireLink(nodeId);
      const answer = await nodes.command(nodeId, 'certificate.sign', { title, ...asked });
      return parseInput(signedCertificateSchema, answer);
    },
    async revoke(title, { nodeId, certificate }) {
      find(await load(), title);
      requireLink(nodeId);
      await nodes.command(nodeId, 'certificate.revoke', { title, certificate });
    },
    async heard(nodeId, { registryRevision, entities }) {
      // Storage nodes of before know nothing of this.
      if (!entities) return;
      const at = now();
      heard.set(nodeId, { revision: registryRevision, statuses: entities });
      for (const { title, receivedObjects, receivedBytes } of entities)
        rates.count(keyOf(nodeId, title), { objects: receivedObjects, bytes: receivedBytes }, at);
      const kept = known && known.untilMs > at.getTime() ? known.kept : await load();
      if (registryRevision !== kept.revision) await push(nodeId, kept);
    },
    async watched() {
      const { records } = await load();
      return new Set(
        records.flatMap(({ title, wish }) => (wish.isProbed && wish.host !== null ? [title] : [])),
      );
    },
  };
}

function keyOf(nodeId: NodeId, title: string): string {
  return `${nodeId} ${title}`;
}

function toldOf({ revision, unlisted, records }: KeptRegistry): ToldRegistry {
  return {
    revision,
    unlisted,
    entities: Object.fromEntries(records.map(({ title, wish }) => [title, wish])),
  };
}
