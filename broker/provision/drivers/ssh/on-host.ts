// Runs on the far host, by its Node: sent whole over the connection, so that nothing is installed there.
import { execFile, spawn } from 'node:child_process';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { arch, availableParallelism, release, totalmem, uptime } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** What is known of a machine on its host; it lies in the machine's folder as `process.json`, as on the broker's own computer. */
type FarNote = {
  readonly name: string;
  readonly tag: { readonly owner: string; readonly resource: string; readonly incarnation: number };
  readonly createdAt: string;
  readonly rtcPort: number;
  readonly command: readonly string[];
  readonly addresses: readonly string[];
  /** Whether it is to run: a stopped machine is no broken one. */
  readonly isOn: boolean;
  readonly process: { readonly pid: number; readonly startTime: string; readonly bootId: string } | null;
};
type FarMachine = FarNote & { readonly isRunning: boolean; readonly isSameBoot: boolean };

export type FarRequest = { readonly dir: string; readonly stopMs: number } & (
  | { readonly do: 'probe' }
  | { readonly do: 'list' }
  | {
      readonly do: 'create';
      readonly name: string;
      readonly tag: FarNote['tag'];
      readonly command: readonly string[];
      readonly addresses: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
      readonly rtcPort: number;
    }
  | { readonly do: 'start' | 'stop' | 'destroy' | 'console'; readonly name: string }
);

const lockSeconds = 20;

type Create = Extract<FarRequest, { do: 'create' }>;
type Named = { readonly dir: string; readonly stopMs: number; readonly name: string };

/**
 * Answers `{ ok: value }`, or `{ fault, message }`.
 * @public Called by the line that travels with this file.
 */
export async function serve(request: FarRequest): Promise<unknown> {
  try {
    return { ok: await act(request) };
  } catch (error) {
    const fault = error instanceof Error && 'fault' in error ? error.fault : 'transient';
    return { fault, message: error instanceof Error ? error.message : String(error) };
  }
}

async function act(request: FarRequest): Promise<unknown> {
  switch (request.do) {
    case 'probe':
      return probe();
    case 'list':
      return list(request.dir);
    case 'create':
      return alone(request.dir, async () => create(request));
    case 'start':
      return alone(request.dir, async () => start(request));
    case 'stop':
      return stop(request);
    case 'destroy':
      return destroy(request);
    case 'console':
      return { text: await endOf(`${request.dir}/${request.name}/node.log`) };
  }
}

function failure(fault: string, message: string): Error {
  return Object.assign(new Error(message), { fault });
}

async function create(request: Create): Promise<FarMachine> {
  const { dir, name, tag, command, addresses, environment } = request;
  const folder = `${dir}/${name}`;
  const held = await readNote(dir, name);
  if (held) {
    if (JSON.stringify(held.tag) !== JSON.stringify(tag)) throw failure('conflict', `${name} is another's`);
    // Begun, and the connection broke before it was started: it is started now.
    return held.process === null && held.isOn && !(await findUnnoted(held, dir))
      ? start(request)
      : seen(held, dir);
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const rtcPort = await choosePort(request);
  const own = {
    MEDUSA_NODE_DIR: folder,
    MEDUSA_RTC_PORT: String(rtcPort),
    MEDUSA_MACHINE: markOf(dir, name),
  };
  await writeFile(`${folder}/environment.json`, JSON.stringify({ ...environment, ...own }), { mode: 0o600 });
  await writeNote(dir, {
    ...{ name, tag, command, addresses, rtcPort },
    ...{ createdAt: new Date().toISOString(), isOn: true, process: null },
  });
  try {
    return await start(request);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * One at a time on this host, by flock(1): two who create the same machine at the same moment get one, and two who
 * create different ones get different media ports. The lock goes with its holder, so that a broken connection leaves none.
 */
async function alone<Result>(dir: string, work: () => Promise<Result>): Promise<Result> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const wait = ['--wait', String(lockSeconds), `${dir}/.lock`];
  const holder = spawn('flock', [...wait, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    holder.once('close', () => resolve());
  });
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('error', () => reject(failure('invalid', 'There is no flock(1) on the host (util-linux)')));
      void ended.then(() => reject(failure('transient', 'Another machine is being made on the host')));
    });
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}

async function start({ dir, name }: Named): Promise<FarMachine> {
  const note = await demand(dir, name);
  const { isRunning } = await seen(note, dir);
  if (isRunning) return seen(note, dir);
  const folder = `${dir}/${name}`;
  const environment = JSON.parse(await readFile(`${folder}/environment.json`, 'utf8')) as Record<
    string,
    string
  >;
  const pid = (await hasSystemd())
    ? await startUnit(note, folder, environment)
    : await startDetached(note, folder, environment);
  const identity = await identify(pid);
  if (!identity)
    throw failure(
      'transient',
      `The process of ${name} ended at once: ${await endOf(`${folder}/node.log`, 300)}`,
    );
  const noted = { ...note, isOn: true, process: identity };
  await writeNote(dir, noted);
  return seen(noted, dir);
}

/** A session leader of its own: it goes on when the connection ends. */
async function startDetached(
  { command }: FarNote,
  folder: string,
  environment: Record<string, string>,
): Promise<number> {
  const [program = '', ...args] = command;
  const log = await open(`${folder}/node.log`, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      cwd: folder,
      detached: true,
      env: environment,
      stdio: ['ignore', log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', () => reject(failure('invalid', `${program} cannot be started on the host`)));
    });
    child.unref();
    return child.pid ?? 0;
  } finally {
    await log.close();
  }
}

/** Where systemd reigns, a session's end may end what was started in it: a transient unit is nobody's session. */
async function startUnit(
  note: FarNote,
  folder: string,
  environment: Record<string, string>,
): Promise<number> {
  const unit = `${note.name}.service`;
  await writeFile(`${folder}/environment`, systemdEnvironment(environment), { mode: 0o600 });
  await run('systemd-run', [
    ...['--quiet', '--collect', `--unit=${unit}`, `--property=WorkingDirectory=${folder}`],
    ...[
      `--property=EnvironmentFile=${folder}/environment`,
      `--property=StandardOutput=append:${folder}/node.log`,
    ],
    ...['--property=StandardError=inherit', '--property=KillMode=control-group', '--', ...note.command],
  ]);
  return Number(await run('systemctl', ['show', '--property=MainPID', '--value', unit]));
}

/** systemd.exec(5), EnvironmentFile=: within double quotes these four are escaped, and lines may break. */
export function systemdEnvironment(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([name, value]) => `${name}="${value.replaceAll(/[\\"`$]/g, (character) => `\\${character}`)}"\n`)
    .join('');
}

async function stop({ dir, name, stopMs }: Named): Promise<FarMachine> {
  const note = await demand(dir, name);
  const identity = note.process ?? (await findUnnoted(note, dir));
  if (identity) await end(identity, stopMs);
  const noted = { ...note, isOn: false, process: null };
  await writeNote(dir, noted);
  return seen(noted, dir);
}

/** With its folder: what the machine has seen is gone with it. */
async function destroy(request: Named): Promise<null> {
  const note = await readNote(request.dir, request.name);
  if (note) await stop(request);
  await rm(`${request.dir}/${request.name}`, { recursive: true, force: true });
  return null;
}

async function end(identity: NonNullable<FarNote['process']>, stopMs: number): Promise<void> {
  // Its own group: the agent's children must not outlive it either.
  for (const [target, signal] of [
    [identity.pid, 'SIGTERM'],
    [-identity.pid, 'SIGKILL'],
  ] as const) {
    if (!(await isAlive(identity))) return;
    try {
      process.kill(target, signal);
    } catch {
      // It has ended in this moment.
    }
    const deadline = Date.now() + stopMs;
    while (Date.now() < deadline && (await isAlive(identity))) await delay(25);
  }
  if (await isAlive(identity)) throw failure('transient', `The process ${identity.pid} does not end`);
}

async function list(dir: string): Promise<FarMachine[]> {
  const names = await readdir(dir).catch(() => []);
  const notes = await Promise.all(names.map(async (name) => readNote(dir, name)));
  return Promise.all(notes.flatMap((note) => (note ? [seen(note, dir)] : [])));
}

async function seen(note: FarNote, dir: string): Promise<FarMachine> {
  const identity = note.process ?? (note.isOn ? await findUnnoted(note, dir) : null);
  const isSameBoot = identity === null || identity.bootId === (await bootId());
  return {
    ...note,
    process: identity,
    isSameBoot,
    isRunning: identity !== null && (await isAlive(identity)),
  };
}

/** A process that was started, and the connection broke before it was noted: it bears the machine's name. */
async function findUnnoted({ name }: FarNote, dir: string): Promise<FarNote['process']> {
  const mark = `\0MEDUSA_MACHINE=${markOf(dir, name)}\0`;
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!`\0${environment}`.includes(mark)) continue;
    const identity = await identify(Number(pid));
    // Of a group that bears the name, the leader is the machine.
    if (identity && (await groupOf(Number(pid))) === Number(pid)) return identity;
  }
  return null;
}

function markOf(dir: string, name: string): string {
  return `${dir}/${name}`;
}

async function demand(dir: string, name: string): Promise<FarNote> {
  const note = await readNote(dir, name);
  if (!note) throw failure('not-found', `There is no machine ${name}`);
  return note;
}

async function readNote(dir: string, name: string): Promise<FarNote | undefined> {
  const text = await readFile(`${dir}/${name}/process.json`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as FarNote);
}

async function writeNote(dir: string, note: FarNote): Promise<void> {
  const file = `${dir}/${note.name}/process.json`;
  await writeFile(`${file}.new`, JSON.stringify(note), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** The next media port that no machine here has; 0: any. */
async function choosePort({ dir, rtcPort }: Create): Promise<number> {
  if (rtcPort === 0) return 0;
  const taken = new Set((await list(dir)).map((machine) => machine.rtcPort));
  let port = rtcPort;
  while (taken.has(port)) port++;
  if (port > 65_535) throw failure('capacity', 'There is no free media port');
  return port;
}

/** proc_pid_stat(5): after the name, which may hold anything, come state (3), parent (4), group (5) … start time (22). */
async function statOf(pid: number): Promise<readonly string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

async function groupOf(pid: number): Promise<number> {
  return Number((await statOf(pid))?.[2]);
}

async function identify(pid: number): Promise<FarNote['process']> {
  const startTime = (await statOf(pid))?.[19];
  return startTime === undefined ? null : { pid, startTime, bootId: await bootId() };
}

async function isAlive(identity: NonNullable<FarNote['process']>): Promise<boolean> {
  const stat = await statOf(identity.pid);
  const isSame = stat?.[19] === identity.startTime && identity.bootId === (await bootId());
  return isSame && stat[0] !== 'Z' && stat[0] !== 'X';
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

async function endOf(file: string, most = 64 * 1024): Promise<string> {
  const log = await open(file, 'r').catch(() => undefined);
  if (!log) return '';
  try {
    const { size } = await log.stat();
    const length = Math.min(size, most);
    const { buffer } = await log.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8');
  } finally {
    await log.close();
  }
}

async function hasSystemd(): Promise<boolean> {
  return readdir('/run/systemd/system').then(
    () => true,
    () => false,
  );
}

async function probe(): Promise<unknown> {
  return {
    release: release(),
    architecture: arch(),
    processors: availableParallelism(),
    memoryMiB: Math.floor(totalmem() / 1024 / 1024),
    bootId: await bootId(),
    uptimeSeconds: Math.floor(uptime()),
    gpus: await gpus(),
  };
}

/** NVIDIA's by its own tool; others by their render node, as they encode through VA-API. */
async function gpus(): Promise<{ model: string; encoder: string }[]> {
  const named = await run('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader']).catch(() => '');
  const nvidia = named.split('\n').filter(Boolean);
  if (nvidia.length > 0) return nvidia.map((model) => ({ model: model.trim(), encoder: 'nvenc' }));
  const nodes = (await readdir('/dev/dri').catch(() => [])).filter((name) => name.startsWith('renderD'));
  const vendors = await Promise.all(
    nodes.map(async (name) => readFile(`/sys/class/drm/${name}/device/vendor`, 'utf8').catch(() => '')),
  );
  const known: Readonly<Record<string, string>> = { '0x8086': 'Intel', '0x1002': 'AMD' };
  return vendors.flatMap((vendor) => {
    const model = known[vendor.trim()];
    return model === undefined ? [] : [{ model, encoder: 'vaapi' }];
  });
}

async function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: 20_000 }, (error, stdout) => {
      if (error) reject(failure('transient', `${program}: ${error.message.slice(0, 200)}`));
      else resolve(stdout);
    });
  });
}
