import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { environmentOf, listProcesses, type RunningProcess } from './processes.ts';
import { freePorts } from '@medusa/kernel/free-ports';
import { waitFor } from './wait.ts';

const checkout = path.resolve(import.meta.dirname, '../..');

export type DemoUserName = 'radiologist' | 'doctor' | 'admin';

/** One instance of the whole product, started as `npm start` starts it, in a data folder of its own. */
export type Medusa = AsyncDisposable & {
  readonly url: string;
  readonly dataDir: string;
  readonly dicomPort: number;
  readonly dicomTlsPort: number;
  readonly caFile: string;
  passwordOf(user: DemoUserName): string;
  tokenOf(user: DemoUserName): Promise<string>;
  getJson(route: string, token: string): Promise<unknown>;
  findProcess(
    program: 'broker/main.ts' | 'infra/storage/main.ts' | 'renderer/main.ts',
  ): RunningProcess | undefined;
};

export async function startMedusa(
  options: {
    readonly environment?: Record<string, string>;
    /** Another address of this machine than loopback: of a network that the test made. */
    readonly bind?: string;
    /** A program that becomes the one it is given, in another place for instance. */
    readonly wrapper?: readonly string[];
  } = {},
): Promise<Medusa> {
  await using starting = new AsyncDisposableStack();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'medusa-test-'));
  starting.defer(async () => rm(dataDir, { recursive: true, force: true }));
  const [httpsPort = 0, dicomPort = 0, dicomTlsPort = 0, rtcPort = 0] = await freePorts(4);
  const url = `https://${options.bind ?? 'localhost'}:${httpsPort}`;
  const environment = {
    ...process.env,
    ...options.environment,
    MEDUSA_DATA_DIR: dataDir,
    MEDUSA_HTTPS_PORT: String(httpsPort),
    MEDUSA_DICOM_PORT: String(dicomPort),
    MEDUSA_DICOM_TLS_PORT: String(dicomTlsPort),
    MEDUSA_RTC_PORT: String(rtcPort),
    DATABASE_URL: undefined,
    ...(options.bind !== undefined && { MEDUSA_BIND: options.bind, MEDUSA_PUBLIC_URL: url }),
  };
  const main = [process.execPath, path.join(checkout, 'infra/setup/main.ts')];
  const [program = process.execPath, ...args] = [...(options.wrapper ?? []), ...main];
  const child = spawn(program, args, {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  starting.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await exited;
  });
  await waitFor(
    'Medusa to start',
    () => {
      if (child.exitCode !== null) throw new Error(`Medusa ended:\n${output}\n${logsOf(dataDir)}`);
      return output.includes('Medusa is ready') ? true : undefined;
    },
    150_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${output}\n${logsOf(dataDir)}`, { cause: error });
  });

  const caFile = path.join(dataDir, 'secrets/ca.pem');
  const users = JSON.parse(readFileSync(path.join(dataDir, 'secrets/demo-users.json'), 'utf8')) as {
    username: string;
    password: string;
  }[];
  const running = starting.move();
  return {
    url,
    dataDir,
    dicomPort,
    dicomTlsPort,
    caFile,
    passwordOf: (user) => users.find(({ username }) => username === user)?.password ?? '',
    tokenOf: async (user) => runToken(user, environment),
    getJson: async (route, token) => getJson(`${url}${route}`, { token, caFile }),
    findProcess: (program) =>
      listProcesses().find(
        ({ pid, command }) =>
          command.includes(program) &&
          !command.startsWith('setpriv') &&
          (environmentOf(pid, 'MEDUSA_DATA_DIR') === dataDir ||
            environmentOf(pid, 'MEDUSA_NODE_DIR')?.startsWith(dataDir) === true),
      ),
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

function logsOf(dataDir: string): string {
  return ['logs/broker.log', 'logs/storage.log', 'logs/postgres.log', 'nodes/render-1/node.log']
    .map((name) => path.join(dataDir, name))
    .filter((file) => existsSync(file))
    .map((file) => `== ${path.basename(file)}\n${readFileSync(file, 'utf8').slice(-2_000)}`)
    .join('\n');
}

async function runToken(user: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, [path.join(checkout, 'infra/setup/token.ts'), user], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exitCode = await new Promise((resolve) => child.once('exit', resolve));
  if (exitCode !== 0) throw new Error(`No token for ${user}`);
  return text.trim();
}

async function getJson(url: string, access: { token: string; caFile: string }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${access.token}`, accept: 'application/json' };
    const asked = request(url, { ca: readFileSync(access.caFile), headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${url}: HTTP ${response.statusCode ?? 0} ${text}`));
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}
