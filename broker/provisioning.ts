import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inBatches } from '@medusa/kernel';
import {
  machineSpecSchema,
  nodeIdSchema,
  poolIdSchema,
  providerIdSchema,
  type Application,
  type PutPool,
} from '@medusa/protocol';
import type { Logger } from 'pino';
import type { BrokerConfig } from './config.ts';
import type { BrokerKeys } from './identity/index.ts';
import type { NodeRegistry } from './node/index.ts';
import {
  createGuestStore,
  createProvisionStore,
  createServiceStore,
  createWorkStore,
  openPresence,
  type Db,
} from './persistence/index.ts';
import { createSeal } from './provision/credentials/index.ts';
import { driverDefinitions } from './provision/drivers/index.ts';
import { guestOf, openImageStore, plainGuest, plainStart, type Joining } from './provision/guest/index.ts';
import {
  applyDeclared,
  declaredSchema,
  fixedSize,
  openProvisioning,
  showOnRegistry,
  type Declared,
  type ResourceRecord,
  type RunningProvisioning,
} from './provision/index.ts';
import type { GuestStart } from './provision/port/index.ts';
import type { BrokerSecrets } from './secrets.ts';
import type { Sessions } from './session/index.ts';

type StartOptions = {
  readonly config: BrokerConfig;
  readonly secrets: BrokerSecrets;
  readonly db: Db;
  readonly keys: BrokerKeys;
  readonly nodes: NodeRegistry;
  readonly sessions: Sessions;
  readonly joining: Joining;
  readonly applications: readonly Application[];
  readonly publicUrl: string;
  readonly port: number;
  readonly log: Logger;
  readonly report: (error: unknown) => void;
};

const local = providerIdSchema.parse('local');
const render = poolIdSchema.parse('render');
const cloudRollCallMs = 10_000;
const demandPauseMs = 250;

/** Provisioning with the broker's own parts put in: the database, the nodes' links, the sessions. */
export async function startProvisioning(options: StartOptions): Promise<RunningProvisioning> {
  const { config, secrets, db, nodes, log, report } = options;
  const store = createProvisionStore(db);
  const seal = createSeal(secrets.providerKeys);
  const board = showOnRegistry(nodes);
  const latest = inBatches(async (ids: readonly ResourceRecord['id'][]) => {
    const records = new Map((await store.resources({ ids })).map((record) => [record.id, record]));
    return ids.map((id) => records.get(id));
  });
  await using starting = new AsyncDisposableStack();
  const provisioning = starting.use(
    await openProvisioning({
      ...{ store, seal, log, report, definitions: driverDefinitions },
      work: createWorkStore(db),
      openPresence: async (onNotice) => openPresence(config.databaseUrl, onNotice),
      board,
      guestOf: async (record, joinSeconds) => startOf(options, record, joinSeconds),
      imageFile: openImageStore({
        command: [process.execPath, join(import.meta.dirname, '../infra/deploy/images/main.ts')],
        environment: config.nodeEnvironment,
        log,
      }),
      dataDirOf: (id) =>
        id === local ? join(config.dataDir, 'nodes') : join(config.dataDir, 'providers', id),
      limits: config.provisioning.limits,
      sweep: config.provisioning.sweep,
      rollCallMsOf: ({ kind }) => (kind === 'local' ? config.sweepMs : cloudRollCallMs),
      now: () => new Date(),
      random: Math.random,
    }),
  );
  starting.use(follow(options, provisioning));
  starting.use(
    // What another broker decided about a node whose link is here: it must get no new session while it drains.
    provisioning.events.on('logged', ({ kind, resource }) => {
      if (kind !== 'phase' || resource === null || !nodes.hasLink(nodeIdSchema.parse(resource))) return;
      latest(resource)
        .then((record) => record && board.show(record, null))
        .catch(report);
    }),
  );
  await applyDeclared(await ownMachine(config, store), { provisioning, store, seal });
  if (config.providersFile !== undefined)
    await applyDeclared(await readDeclared(config.providersFile), { provisioning, store, seal });
  const running = starting.move();
  return { ...provisioning, [Symbol.asyncDispose]: async () => running.disposeAsync() };
}

/** This computer with as many render nodes as configured; a policy that an administrator gave the pool since then stays. */
async function ownMachine(
  { renderNodes, rtcPort, slots }: BrokerConfig,
  store: ReturnType<typeof createProvisionStore>,
): Promise<Declared> {
  const known = await store.pool(render);
  const isFixed = !known || known.wanted.policy.min === known.wanted.policy.max;
  const machine = machineSpecSchema.parse({
    ...{ kind: 'machine', role: 'render', image: 'agent', size: 'process', slots },
  });
  const pool: PutPool = {
    ...{ providers: [local], machine },
    policy: { ...fixedSize(renderNodes), ...(known && { preWarm: known.wanted.policy.preWarm }) },
    ...{ maxUnhealthyPercent: 40, joinSeconds: 120 },
  };
  const settings = { rtcPort };
  return {
    providers: { [local]: { kind: 'local', title: 'This computer', settings, isEnabled: true } },
    pools: isFixed ? { [render]: pool } : {},
  };
}

async function readDeclared(file: string): Promise<Declared> {
  return declaredSchema.parse(JSON.parse(await readFile(file, 'utf8')));
}

/** What a machine's agent is told. A process of this computer gets its node's token at once; others join with a token good once. */
async function startOf(
  { config, secrets, db, keys, joining, applications, publicUrl, port }: StartOptions,
  { id, provider, wish, status }: ResourceRecord,
  joinSeconds: number,
): Promise<GuestStart> {
  const { spec } = wish;
  if (spec.kind !== 'machine') return plainGuest;
  const told = await createServiceStore(db).guestEnvironment(id);
  if (spec.role === 'plain')
    return plainStart(createGuestStore(db, createSeal(secrets.providerKeys)), spec.userData, told);
  const { role } = spec;
  const guest = { nodeId: nodeIdSchema.parse(id), role, incarnation: status.incarnation };
  const joinToken = await joining.invite(guest, joinSeconds);
  const slots = spec.slots ?? null;
  if ((await createProvisionStore(db).provider(provider))?.kind !== 'local') {
    const brokerUrl = config.urlForNodes ?? publicUrl;
    const options = { guest, joinToken, brokerUrl, brokerCa: secrets.authority, slots, applications };
    return guestOf({ ...options, environment: told });
  }
  const { nodeId, incarnation } = guest;
  const environment = {
    ...config.nodeEnvironment,
    ...told,
    MEDUSA_BROKER_URL: `https://${localHostOf(config.bind)}:${port}`,
    MEDUSA_NODE_ID: id,
    MEDUSA_NODE_TOKEN: await keys.mintNodeToken({ nodeId, kind: role, incarnation }),
    MEDUSA_RTC_ADDRESS: config.rtcAddress,
    MEDUSA_SLOTS: String(slots ?? config.slots),
    MEDUSA_APPLICATIONS: JSON.stringify(applications),
  };
  return { environment, userData: plainGuest.userData };
}

/** Nodes and sessions make the loops look at once. */
function follow({ nodes, sessions, report }: StartOptions, provisioning: RunningProvisioning): Disposable {
  const stack = new DisposableStack();
  const look = (nodeId: string): void => void provisioning.nodesChanged([nodeId]).catch(report);
  stack.use(nodes.events.on('joined', look));
  stack.use(nodes.events.on('lost', look));
  let timer: NodeJS.Timeout | undefined;
  stack.defer(() => clearTimeout(timer));
  const demand = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      provisioning.demandChanged().catch(report);
    }, demandPauseMs);
  };
  stack.use(
    sessions.events.on('changed', ({ nodeId, state }) => {
      if (state === 'streaming' || state === 'starting') return;
      demand();
      if (nodeId !== null && (state === 'closed' || state === 'failed')) look(nodeId);
    }),
  );
  return stack;
}

/** Where this machine reaches what is bound to `bind`. */
function localHostOf(bind: string): string {
  if (bind === '0.0.0.0' || bind === '::') return '127.0.0.1';
  return bind.includes(':') ? `[${bind}]` : bind;
}
