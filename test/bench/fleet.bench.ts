import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import {
  makeTestSecrets,
  openDatabase,
  sql,
  startSimulatedCloud,
  startTestDatabase,
  type Db,
  type SimulatedCloud,
  type TestDatabase,
} from '@medusa/broker/support/bench';
import { freePort } from '@medusa/kernel/free-ports';
import { waitFor } from '../support/wait.ts';
import { median, printResult, progress, quantile } from './report.ts';

/**
 * A pool of many nodes at a simulated cloud, from wanted to ready: real broker processes, a real database, and an agent for each
 * machine that joins and registers over a socket of its own.
 */
const { values: options } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    brokers: { type: 'string', multiple: true, default: ['1', '3'] },
  },
});
const count = Number(options.nodes);
const brokerRoot = path.join(import.meta.dirname, '../../broker');
const limitMs = 900_000;

type Fleet = {
  readonly readySeconds: number;
  /** Of each node, from running (as the cloud itself knows it) to ready. */
  readonly overheadMs: readonly number[];
  /** Of each node, from wanted to accepted by the cloud: its turn in the queue, and the call. */
  readonly queueMs: readonly number[];
  readonly doubled: number;
  readonly created: number;
};

async function raise(database: TestDatabase, brokers: number): Promise<Fleet> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-fleet-'));
  stack.defer(async () => rm(folder, { recursive: true, force: true }));
  const cloud = stack.use(
    await startSimulatedCloud({
      // As a machine of EC2 takes from the call to its own first process: 20 s and more, not the same for all.
      bootMs: { median: 20_000, p95: 30_000 },
      readyMs: 100,
      destroyMs: 200,
      callMs: 20,
    }),
  );
  const databaseUrl = await database.create(`fleet_${brokers}`);
  const db = await openDatabase(databaseUrl, () => undefined);
  stack.defer(async () => db.destroy());
  const secrets = await makeTestSecrets(path.join(folder, 'broker-0'));
  const authority = path.join(secrets.dir, 'ca.pem');
  const declared = path.join(folder, 'declared.json');
  await writeFile(declared, JSON.stringify(declaration(cloud)));
  const agents = stack.use(startAgents(authority));
  const startedAt = performance.now();
  stack.use(forwardBoots(cloud, agents.begin));
  for (let index = 0; index < brokers; index += 1) {
    const dataDir = path.join(folder, `broker-${index}`);
    if (index > 0) await cp(secrets.dir, path.join(dataDir, 'secrets'), { recursive: true });
    // The first one finds the pool wanted; the others share the work from their start on.
    stack.use(
      await startBroker(databaseUrl, { dataDir, declared, name: `broker ${index + 1} of ${brokers}` }),
    );
  }
  progress(`${brokers} brokers started in ${Math.round(performance.now() - startedAt)} ms`);
  const ready = await waitFor('the fleet to be ready', async () => allReady(db), limitMs);
  const { rows: first } = await sql<{ at: Date }>`select min(created_at) as at from resource`.execute(db);
  const wantedAt = first[0]?.at.getTime() ?? 0;
  return {
    readySeconds: (Math.max(...ready.values()) - wantedAt) / 1_000,
    ...(await timesOf(db, cloud, ready)),
  };
}

function declaration(cloud: SimulatedCloud): unknown {
  const machine = { kind: 'machine', role: 'render', image: 'medusa', size: 'small', slots: 1 };
  return {
    providers: {
      cloud: {
        kind: 'simulated',
        title: 'Cloud',
        settings: { url: cloud.url, concurrency: 64 },
        credentials: {},
      },
    },
    pools: { fleet: { providers: ['cloud'], machine, policy: { min: count, max: count }, joinSeconds: 600 } },
  };
}

/** When each node was ready for the first time, once all are. */
async function allReady(db: Db): Promise<ReadonlyMap<string, number> | undefined> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from resource where pool = 'fleet' and phase = 'ready'`.execute(db);
  if ((rows[0]?.n ?? 0) < count) return undefined;
  const events = await sql<{ resource: string; at: Date }>`
    select resource, min(at) as at from provision_event
    where kind in ('phase', 'adopted') and text like '%→ ready:%' group by resource`.execute(db);
  return new Map(events.rows.map(({ resource, at }) => [resource, at.getTime()]));
}

async function timesOf(
  db: Db,
  cloud: SimulatedCloud,
  ready: ReadonlyMap<string, number>,
): Promise<Omit<Fleet, 'readySeconds'>> {
  const { rows } = await sql<{ id: string; ref: string; created_at: Date }>`
    select id, ref, created_at from resource where pool = 'fleet'`.execute(db);
  const times = rows.flatMap(({ id, ref, created_at: wantedAt }) => {
    const machine = cloud.cloud.machine(ref);
    const running = machine?.versions.find(({ view }) => view?.state === 'running')?.atMs;
    const readyAt = ready.get(id);
    if (!machine || running === undefined || readyAt === undefined) return [];
    return [{ overheadMs: readyAt - running, queueMs: machine.createdAtMs - wantedAt.getTime() }];
  });
  const truth = cloud.cloud.truth();
  return {
    overheadMs: times.map(({ overheadMs }) => overheadMs),
    queueMs: times.map(({ queueMs }) => queueMs),
    doubled: Object.keys({ ...truth.doubledResources, ...truth.doubledIncarnations }).length,
    created: truth.created.machine,
  };
}

/** Tells of each machine when it runs, as its own boot would. */
function forwardBoots(cloud: SimulatedCloud, begin: (environment: unknown) => void): Disposable {
  const told = new Set<string>();
  const timer = setInterval(() => {
    for (const owner of Object.keys(cloud.cloud.truth().aliveByOwner))
      for (const { thing, view } of cloud.cloud.list('machine', owner)) {
        if (view.state !== 'running' || told.has(thing.ref)) continue;
        told.add(thing.ref);
        begin((thing.spec as { guest: { environment: unknown } }).guest.environment);
      }
  }, 50);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function startAgents(authority: string): AsyncDisposable & { begin: (environment: unknown) => void } {
  const child = spawn(process.execPath, [path.join(brokerRoot, 'support/fleet-agents.ts')], {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: authority },
  });
  return {
    begin: (environment) => child.stdin.write(`${JSON.stringify(environment)}\n`),
    [Symbol.asyncDispose]: async () => end(child),
  };
}

async function startBroker(
  databaseUrl: string,
  { dataDir, declared, name }: { dataDir: string; declared: string; name: string },
): Promise<AsyncDisposable> {
  const port = await freePort();
  const url = `https://localhost:${port}`;
  const child = spawn(process.execPath, [path.join(brokerRoot, 'main.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      MEDUSA_DATA_DIR: dataDir,
      MEDUSA_HTTPS_PORT: String(port),
      MEDUSA_NODES_BROKER_URL: url,
      MEDUSA_CLIENT_DIR: dataDir,
      MEDUSA_PROVIDERS: declared,
      MEDUSA_RENDER_NODES: '0',
      MEDUSA_LOG_LEVEL: 'warn',
      DATABASE_URL: databaseUrl,
    },
  });
  const complaints = new Map<string, number>();
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      const text = /"msg":"([^"]*)"/.exec(line)?.[1] ?? line;
      complaints.set(text, (complaints.get(text) ?? 0) + 1);
    });
  await waitFor(`${name} to serve`, async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${[...complaints.keys()].join('; ')}`);
    return isListening(port);
  });
  return {
    async [Symbol.asyncDispose]() {
      await end(child);
      for (const [text, times] of complaints) progress(`${name} said ${times} times: ${text.slice(0, 200)}`);
    },
  };
}

async function isListening(port: number): Promise<true | undefined> {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (answer: true | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true)).once('error', () => done(undefined));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await exit;
  clearTimeout(timer);
}

const medians: Record<string, number> = {};
const ratios: Record<string, number> = {};
const results: Record<string, unknown> = {};
let doubled = 0;
await using database = await startTestDatabase();
for (const brokers of options.brokers.map(Number)) {
  const fleet = await raise(database, brokers);
  const key = `brokers${brokers}`;
  medians[`${key}.readySeconds`] = fleet.readySeconds;
  medians[`${key}.overheadMs`] = median(fleet.overheadMs);
  medians[`${key}.overheadP95Ms`] = quantile(fleet.overheadMs, 0.95);
  medians[`${key}.queueMs`] = median(fleet.queueMs);
  ratios[`${key}.createdPerNode`] = fleet.created / count;
  results[key] = { nodes: count, created: fleet.created, doubled: fleet.doubled };
  doubled += fleet.doubled;
  progress(`${key}: ${JSON.stringify({ ...medians, ...fleet, overheadMs: undefined, queueMs: undefined })}`);
}
printResult({ bench: 'fleet', medians, ratios, n: count, results });
process.exitCode = doubled === 0 ? 0 : 1;
