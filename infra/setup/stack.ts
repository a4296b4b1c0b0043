import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  isRunning,
  startDatabase,
  startSupervised,
  type ProcessIdentity,
  type SupervisedProcess,
} from '@medusa/broker/embedded';
import { mintNodeToken } from '@medusa/broker/tokens';
import { freePort, listenOnce } from '@medusa/kernel/free-ports';
import { nodeIdSchema } from '@medusa/protocol';
import { z } from 'zod';
import { checkoutDir, inheritedEnvironment, type StackConfig } from './config.ts';
import { readHealth } from './health.ts';
import { ensureSecrets, type Secrets } from './secrets.ts';

export type Stack = AsyncDisposable & {
  readonly config: StackConfig;
  readonly secrets: Secrets;
  readonly broker: SupervisedProcess;
  readonly storage: SupervisedProcess;
  /** Where the storage node serves DICOMweb to the broker and the render nodes. */
  readonly storageUrl: string;
  close(): Promise<void>;
};

type Report = (line: string) => void;

const storageNodeId = nodeIdSchema.parse('storage-1');

/** As the local-process driver notes it. */
const agentSchema = z.object({ pid: z.int(), startTime: z.string(), bootId: z.string() });

/**
 * Everything on one box: database, broker (which starts the render node) and storage node. Answers when a study could
 * be opened. What is started here ends with this process, however that ends; the render nodes end with `close`.
 */
export async function startStack(
  config: StackConfig,
  environment: NodeJS.ProcessEnv,
  { report, signal }: { readonly report: Report; readonly signal: AbortSignal },
): Promise<Stack> {
  await using starting = new AsyncDisposableStack();
  for (const folder of ['', 'logs', 'run', 'nodes', 'storage']) {
    await mkdir(path.join(config.dataDir, folder), { recursive: true, mode: 0o711 });
  }
  const publicHost = new URL(config.publicUrl).hostname.replace(/^\[|\]$/g, '');
  const secrets = await ensureSecrets(config.dataDir, { hostNames: [config.bind, publicHost] });
  await refuseTakenPorts(config);
  const inherited = {
    ...inheritedEnvironment(environment),
    NODE_EXTRA_CA_CERTS: await trustedAuthorities(config, secrets, environment),
  };
  const logFile = (name: string): string => path.join(config.dataDir, 'logs', `${name}.log`);

  let databaseUrl = config.databaseUrl;
  if (!databaseUrl) {
    report('database: starting the embedded PostgreSQL');
    const port = await freePort();
    const options = {
      dataDir: config.dataDir,
      password: secrets.postgresPassword,
      port,
      logFile: logFile('postgres'),
    };
    const database = await startDatabase({ ...options, environment: inherited }, signal);
    starting.use(database.process);
    databaseUrl = database.url;
  }

  const common = {
    ...inherited,
    MEDUSA_DATA_DIR: config.dataDir,
    MEDUSA_BIND: config.bind,
    MEDUSA_HTTPS_PORT: String(config.httpsPort),
    MEDUSA_DICOM_PORT: String(config.dicomPort),
    MEDUSA_DICOM_TLS_PORT: String(config.dicomTlsPort),
    MEDUSA_AE_TITLE: config.aeTitle,
  };
  const program = (name: string, file: string, variables: Record<string, string>): SupervisedProcess =>
    startSupervised({
      name,
      command: process.execPath,
      args: [path.join(checkoutDir, file)],
      environment: { ...common, ...variables },
      logFile: logFile(name),
      onCrash: report,
    });

  starting.defer(async () => stopRenderNodes(config.dataDir));
  report('broker: starting');
  const broker = starting.use(
    program('broker', 'broker/main.ts', {
      DATABASE_URL: databaseUrl,
      MEDUSA_PUBLIC_URL: config.publicUrl,
      MEDUSA_RTC_PORT: String(config.rtcPort),
    }),
  );
  report(`storage node: starting, DICOM ports ${config.dicomPort} and ${config.dicomTlsPort} (TLS)`);
  const storagePort = await freePort();
  const storage = starting.use(
    program('storage', 'infra/storage/main.ts', {
      MEDUSA_BROKER_URL: `https://${config.localHost}:${config.httpsPort}`,
      MEDUSA_NODE_ID: storageNodeId,
      MEDUSA_NODE_TOKEN: await mintNodeToken(secrets.brokerSigningKey, {
        nodeId: storageNodeId,
        kind: 'storage',
      }),
      MEDUSA_STORAGE_DIR: path.join(config.dataDir, 'storage'),
      MEDUSA_STORAGE_HTTPS_PORT: String(storagePort),
      MEDUSA_TLS_CERT: secrets.certificateFile,
      MEDUSA_TLS_KEY: secrets.keyFile,
    }),
  );
  report('render node: starting');
  await waitUntilHealthy(config, secrets, { report, signal });

  const running = starting.move();
  return {
    config,
    secrets,
    broker,
    storage,
    storageUrl: `https://${config.localHost}:${storagePort}/dicomweb`,
    close: async () => running.disposeAsync(),
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

/** Our own authority and those that the site trusts besides (a hospital's, for its OIDC issuer): one file, as Node takes one. */
async function trustedAuthorities(
  config: StackConfig,
  secrets: Secrets,
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  const siteFile = environment['NODE_EXTRA_CA_CERTS'];
  if (!siteFile) return secrets.caFile;
  const bundle = path.join(config.dataDir, 'run/authorities.pem');
  const parts = await Promise.all([secrets.caFile, siteFile].map(async (file) => readFile(file, 'utf8')));
  await writeFile(bundle, parts.join('\n'));
  return bundle;
}

/** Until `/healthz` answers 200; tells what is waited for whenever that changes. */
async function waitUntilHealthy(
  config: StackConfig,
  secrets: Secrets,
  { report, signal }: { readonly report: Report; readonly signal: AbortSignal },
): Promise<void> {
  let last = '';
  for (;;) {
    const health = await readHealth(config, secrets.caFile);
    if (health.isHealthy) return;
    if (health.reason !== last) report(`waiting: ${health.reason}`);
    last = health.reason;
    if (signal.aborted) {
      throw new Error(`Not ready in time (${last}); the logs are in ${path.join(config.dataDir, 'logs')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The render nodes are not this process's children: a broker that dies must not take their pictures along. */
async function stopRenderNodes(dataDir: string): Promise<void> {
  const agents = (await Promise.all((await nodeFolders(dataDir)).map(agentOf))).flat();
  const deadline = Date.now() + 15_000;
  const signalRunning = async (signal: NodeJS.Signals): Promise<void> => {
    for (const agent of await runningOf(agents)) process.kill(agent.pid, signal);
  };
  await signalRunning('SIGTERM');
  while ((await runningOf(agents)).length > 0) {
    if (Date.now() > deadline) await signalRunning('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Of every provider that has its nodes on this computer. */
async function nodeFolders(dataDir: string): Promise<string[]> {
  const inside = async (folder: string): Promise<string[]> =>
    (await readdir(folder).catch(() => [])).map((name) => path.join(folder, name));
  const providers = await inside(path.join(dataDir, 'providers'));
  return (await Promise.all([path.join(dataDir, 'nodes'), ...providers].map(inside))).flat();
}

async function agentOf(folder: string): Promise<ProcessIdentity[]> {
  const text = await readFile(path.join(folder, 'process.json'), 'utf8').catch(() => '{}');
  const parsed = agentSchema.safeParse(JSON.parse(text));
  return parsed.success ? [parsed.data] : [];
}

async function runningOf(agents: readonly ProcessIdentity[]): Promise<ProcessIdentity[]> {
  const states = await Promise.all(agents.map(async (agent) => ((await isRunning(agent)) ? [agent] : [])));
  return states.flat();
}

async function refuseTakenPorts(config: StackConfig): Promise<void> {
  const { bind } = config;
  const wanted = {
    MEDUSA_HTTPS_PORT: config.httpsPort,
    MEDUSA_DICOM_PORT: config.dicomPort,
    MEDUSA_DICOM_TLS_PORT: config.dicomTlsPort,
    MEDUSA_RTC_PORT: config.rtcPort,
  };
  for (const [name, port] of Object.entries(wanted)) {
    try {
      await listenOnce(port, bind);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE')
        throw new Error(`Port ${port} of ${bind} is taken; choose another with ${name}`, { cause: error });
      if (code === 'EACCES')
        throw new Error(`Port ${port} needs root; choose one above 1023 with ${name}`, { cause: error });
      throw new Error(
        `Cannot listen on ${bind}:${port} (${code ?? 'unknown'}); check MEDUSA_BIND and ${name}`,
        { cause: error },
      );
    }
  }
}
