import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import {
  createOcciStore,
  openDatabase,
  openOcci,
  startOcciEdge,
  startTestDatabase,
  type OcciDeps,
} from '@medusa/broker/support/bench';
import { median, printResult, progress, quantile } from './report.ts';

/**
 * Discovery over HTTP in every rendering, against a real database: `GET /-/`, with the images and sizes of several providers.
 * One client that keeps its connection, as foreign clients do.
 */
const { values: options } = parseArgs({
  options: { requests: { type: 'string', default: '2000' }, providers: { type: 'string', default: '3' } },
});
const count = Number(options.requests);
/** Rounds before it counts: the code is compiled meanwhile. */
const warmUps = 300;
const types = ['text/plain', 'text/occi', 'text/uri-list', 'application/occi+json'] as const;

await using stack = new AsyncDisposableStack();
const database = stack.use(await startTestDatabase());
const db = await openDatabase(await database.create('occi'), () => undefined);
stack.defer(async () => db.destroy());
const edge = stack.use(
  await startOcciEdge({
    open: (root) =>
      openOcci({
        ...{ root, ...emptyWorld(), provisioning: catalogs(Number(options.providers)) },
        ...{ store: createOcciStore(db), now: Date.now, newId: () => 'never', report: progressError },
      }),
    roles: () => ['admin'],
  }),
);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
stack.defer(() => agent.destroy());

const samples = new Map(types.map((type) => [type, { ms: [] as number[], bytes: 0 }]));
// In turn, so that whatever else the machine does at the time falls on all of them.
for (let index = -warmUps; index < count; index += 1)
  for (const [type, found] of samples) {
    const startedAt = performance.now();
    found.bytes = await discover(type);
    if (index >= 0) found.ms.push(performance.now() - startedAt);
  }
const medians: Record<string, number> = {};
for (const [type, { ms, bytes }] of samples) {
  medians[`${type} p50_ms`] = median(ms);
  medians[`${type} p95_ms`] = quantile(ms, 0.95);
  progress(
    `${type}: p50 ${median(ms).toFixed(2)} ms, p95 ${quantile(ms, 0.95).toFixed(2)} ms, ${bytes} bytes`,
  );
}
printResult({ bench: 'occi', medians, ratios: {}, n: count });

/** Answers how much came back. */
async function discover(accept: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = `${edge.origin}/-/`;
    const asking = request(url, { agent, headers: { accept }, maxHeaderSize: 4_000_000 }, (answer) => {
      let length = answer.rawHeaders.join('').length;
      answer.on('data', (chunk: Buffer) => (length += chunk.byteLength));
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(length);
        else reject(new Error(`answered ${answer.statusCode ?? 0}`));
      });
    });
    asking.on('error', reject);
    asking.end();
  });
}

/** Twenty images and twenty sizes each. */
function catalogs(providers: number): OcciDeps['provisioning'] {
  const health = { state: 'reachable', reason: '', version: '1', latencyMs: 1, checkedAt: null };
  const views = Array.from({ length: providers }, (_, index) => ({
    ...{
      id: `cloud-${index}`,
      kind: 'simulated',
      title: `Cloud ${index}`,
      settings: {},
      hasCredentials: false,
    },
    ...{ isEnabled: true, capabilities: ['machines'], health, quotas: [], counts: {} },
  }));
  const twenty = Array.from({ length: 20 }, (_, index) => ({ id: `thing-${index}`, name: `Thing ${index}` }));
  const catalog = {
    images: twenty.map((one) => ({ ...one, architecture: 'x64' })),
    sizes: twenty.map((one, index) => ({
      ...one,
      cpus: index + 1,
      memoryMiB: 1_024,
      gpu: null,
      architecture: 'x64',
    })),
  };
  return {
    providers: async () => views,
    catalog: async () => catalog,
  } as unknown as OcciDeps['provisioning'];
}

/** Discovery asks for no node, no session and no service; of agreements for their templates. */
function emptyWorld(): Omit<OcciDeps, 'root' | 'store' | 'provisioning' | 'now' | 'newId' | 'report'> {
  return {
    ...{ senders: async () => [], guests: {} as OcciDeps['guests'] },
    ...{ manifests: [], serviceRecords: async () => [], services: {} as OcciDeps['services'] },
    agreements: { templates: async () => [] } as unknown as OcciDeps['agreements'],
    nodes: { views: () => [], view: () => undefined },
    sessions: {} as OcciDeps['sessions'],
  };
}

function progressError(error: unknown): void {
  progress(String(error));
}
