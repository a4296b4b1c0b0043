import { execFile, spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile, chmod, mkdir } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { startTestDatabase } from '@medusa/broker/support/bench';
import { logInForToken } from '@medusa/broker/scripted-login';
import { mintNodeToken, privateJwkSchema } from '@medusa/broker/tokens';
import { freePort } from '@medusa/kernel/free-ports';
import { nodeIdSchema, sessionViewSchema, type SessionId, type SessionView } from '@medusa/protocol';
import { z } from 'zod';
import type { DemoUserName } from '../../support/medusa.ts';
import { ctFolder } from '../../support/fixtures.ts';
import { waitFor } from '../../support/wait.ts';
import type { Site, Sites } from './sites.ts';

const execute = promisify(execFile);
const checkout = path.resolve(import.meta.dirname, '../../..');
const usersSchema = z.array(z.object({ username: z.string(), password: z.string() }));

export type Installation = AsyncDisposable & {
  readonly url: string;
  readonly caFile: string;
  /** Becomes Chromium at the people's site. */
  readonly browser: string;
  passwordOf(user: DemoUserName): string;
  /** As the broker has it now. */
  readSession(id: SessionId): Promise<SessionView>;
};

/**
 * The broker here, the storage node with the CT series and a render node that people cannot reach at one site, a render node at the
 * other one: each the real program.
 */
export async function install(sites: Sites): Promise<Installation> {
  await using starting = new AsyncDisposableStack();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'medusa-split-'));
  starting.defer(async () => rm(dataDir, { recursive: true, force: true }));
  // Sandboxes have users of their own, who must be able to pass.
  await chmod(dataDir, 0o711);
  const database = starting.use(await startTestDatabase());
  const secrets = path.join(dataDir, 'secrets');
  await makeSecrets(dataDir, [sites.brokerAddress, sites.data.siteAddress]);
  const caFile = path.join(secrets, 'ca.pem');
  const signingKey = privateJwkSchema.parse(
    JSON.parse(await readFile(path.join(secrets, 'broker-signing-key.json'), 'utf8')),
  );
  const users = usersSchema.parse(JSON.parse(await readFile(path.join(secrets, 'demo-users.json'), 'utf8')));
  const url = `https://${sites.brokerAddress}:${await freePort()}`;
  const run = async (name: string, program: Program): Promise<void> => {
    const environment = { NODE_EXTRA_CA_CERTS: caFile, MEDUSA_BROKER_URL: url, ...program.environment };
    const logFile = path.join(dataDir, `${name}.log`);
    starting.use(await start({ ...program, environment }, logFile));
  };
  const node = async (name: string, kind: 'render' | 'storage'): Promise<Record<string, string>> => {
    const nodeId = nodeIdSchema.parse(name);
    return { MEDUSA_NODE_ID: nodeId, MEDUSA_NODE_TOKEN: await mintNodeToken(signingKey, { nodeId, kind }) };
  };
  await run('broker', {
    file: 'broker/main.ts',
    environment: {
      ...{ MEDUSA_DATA_DIR: dataDir, MEDUSA_RENDER_NODES: '0', MEDUSA_PUBLIC_URL: url },
      ...{ MEDUSA_BIND: sites.brokerAddress, MEDUSA_HTTPS_PORT: new URL(url).port },
      DATABASE_URL: await database.create('split'),
    },
  });
  await run('storage', {
    ...{ file: 'infra/storage/main.ts', site: sites.data },
    environment: {
      ...(await node('storage-1', 'storage')),
      ...{ MEDUSA_STORAGE_DIR: path.join(dataDir, 'storage'), MEDUSA_BIND: sites.data.siteAddress },
      ...{ MEDUSA_DICOM_PORT: '11112', MEDUSA_STORAGE_HTTPS_PORT: '8443' },
      MEDUSA_TLS_CERT: path.join(secrets, 'server.pem'),
      MEDUSA_TLS_KEY: path.join(secrets, 'server.key.pem'),
    },
  });
  const render = async (name: string, site: Site, extra: Record<string, string>): Promise<void> => {
    const nodeDir = path.join(dataDir, name);
    await mkdir(nodeDir, { mode: 0o711 });
    await run(name, {
      ...{ file: 'renderer/main.ts', site },
      environment: {
        ...(await node(name, 'render')),
        ...{ MEDUSA_NODE_DIR: nodeDir, MEDUSA_RTC_ADDRESS: site.siteAddress, MEDUSA_SLOTS: '2' },
        ...{ MEDUSA_RTC_PORT: '44444', MEDUSA_RELAY_PORT: '44445', ...extra },
      },
    });
  };
  // The storage node names no zone, so that both are in that of nodes that were set up by hand.
  await render('reader', sites.data, { MEDUSA_ACCESS: 'private' });
  await render('viewer', sites.people, { MEDUSA_ZONE: 'people' });
  await waitFor('the installation to be ready', async () => isHealthy(url, caFile), 60_000).catch(
    async (error: unknown) => {
      throw new Error(`${String(error)}\n${await logsOf(dataDir)}`, { cause: error });
    },
  );
  await sendStudy(sites.data);
  const passwordOf = (user: DemoUserName): string =>
    users.find(({ username }) => username === user)?.password ?? '';
  setDefaultCACertificates([...getCACertificates(), await readFile(caFile, 'utf8')]);
  const { access_token: token } = await logInForToken({
    ...{ issuerUrl: `${url}/realms/medusa`, redirectUri: `${url}/` },
    ...{ username: 'radiologist', password: passwordOf('radiologist') },
  });
  const browser = path.join(dataDir, 'chromium');
  await writeFile(browser, `#!/bin/sh\nexec ${sites.people.wrapper.join(' ')} /usr/bin/chromium "$@"\n`);
  await chmod(browser, 0o755);
  const running = starting.move();
  return {
    ...{ url, caFile, browser, passwordOf },
    async readSession(id) {
      const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
      const answer = await fetch(`${url}/api/sessions/${id}`, { headers });
      return sessionViewSchema.parse(await answer.json());
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

/** As the set-up of a box makes them. */
async function makeSecrets(dataDir: string, hostNames: readonly string[]): Promise<void> {
  const module = path.join(checkout, 'infra/setup/secrets.ts');
  const call = `await ensureSecrets(${JSON.stringify(dataDir)}, ${JSON.stringify({ hostNames })});`;
  const code = `import { ensureSecrets } from ${JSON.stringify(module)}; ${call}`;
  await execute(process.execPath, ['--input-type=module', '--eval', code]);
}

type Program = {
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Absent: here. */
  readonly site?: Site;
};

async function start({ file, environment, site }: Program, logFile: string): Promise<AsyncDisposable> {
  await using log = await open(logFile, 'w');
  const main = [process.execPath, path.join(checkout, file)];
  const [command = '', ...args] = [...(site?.wrapper ?? []), ...main];
  const child = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', log.fd, log.fd],
  });
  return {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function isHealthy(url: string, caFile: string): Promise<true | undefined> {
  const ca = await readFile(caFile);
  return new Promise((resolve) => {
    const asked = request(`${url}/healthz`, { ca, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? true : undefined);
    });
    asked.on('error', () => resolve(undefined)).end();
  });
}

async function sendStudy({ wrapper: [command, ...args], siteAddress }: Site): Promise<void> {
  const send = ['dcmsend', '--decompress-never', '-aec', 'MEDUSA', siteAddress, '11112', '+sd', ctFolder];
  await execute(command, [...args, ...send]);
}

async function logsOf(dataDir: string): Promise<string> {
  const names = ['broker', 'storage', 'reader', 'viewer'];
  const texts = names.map(async (name) => {
    const text = await readFile(path.join(dataDir, `${name}.log`), 'utf8').catch(() => '');
    return `== ${name}\n${text.slice(-2_000)}`;
  });
  return (await Promise.all(texts)).join('\n');
}
