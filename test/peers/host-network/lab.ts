import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  hostAnswerSchema,
  hostNetworkSettingsSchema,
  hostNetworkThingSchema,
  type HostNetworkCommand,
  type HostNetworkSettings,
  type HostNetworkThing,
} from '@medusa/protocol';
import { vi } from 'vitest';

const execute = promisify(execFile);
const program = path.join(import.meta.dirname, '../../../infra/network/main.ts');

export type Command = HostNetworkCommand extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'settings'>
    : never
  : never;

/** Namespaces that stand for hosts and their neighbours; nothing outside of them is touched. Disposing leaves nothing. */
export class Lab implements AsyncDisposable {
  readonly base: string;
  readonly #id = randomBytes(3).toString('hex');
  readonly #stack: AsyncDisposableStack;

  static async open(): Promise<Lab> {
    const base = await mkdtemp(path.join(tmpdir(), 'medusa-host-network-'));
    // As /var/lib is: dnsmasq must be able to pass when it is no longer root.
    await chmod(base, 0o755);
    return new Lab(base);
  }

  private constructor(base: string) {
    this.base = base;
    this.#stack = new AsyncDisposableStack();
    this.#stack.defer(async () => rm(base, { recursive: true, force: true }));
  }

  nameOf(short: string): string {
    return `mtest-${this.#id}-${short}`;
  }

  async namespace(short: string): Promise<string> {
    const name = this.nameOf(short);
    await execute('ip', ['netns', 'add', name]);
    this.#stack.defer(async () => {
      await execute('ip', ['netns', 'delete', name]);
    });
    await ip(name, 'link set lo up');
    return name;
  }

  /** A cable between two namespaces, its ends named as told. */
  async cable(a: { at: string; name: string }, b: { at: string; name: string }): Promise<void> {
    await execute('ip', [
      ...['link', 'add', a.name, 'netns', a.at, 'type', 'veth'],
      ...['peer', 'name', b.name, 'netns', b.at],
    ]);
    await ip(a.at, `link set ${a.name} up`);
    await ip(b.at, `link set ${b.name} up`);
  }

  /** A host on which the program runs, with a switch of its own when it is to have one. */
  async host(short: string, given: Partial<HostNetworkSettings>): Promise<LabHost> {
    const namespace = await this.namespace(short);
    const stateDir = path.join(this.base, short);
    const runDir = path.join(this.base, `${short}-ovs`);
    const settings = hostNetworkSettingsSchema.parse({
      stateDir,
      ...given,
      ovs: { ...given.ovs, runDir },
    });
    const host = new LabHost(namespace, settings);
    if (given.backend === 'ovs') await this.#startSwitch(namespace, runDir);
    // Runs before the switch ends and the namespace goes.
    this.#stack.defer(async () => host.clear());
    return host;
  }

  defer(dispose: () => Promise<void> | void): void {
    this.#stack.defer(dispose);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #startSwitch(namespace: string, runDir: string): Promise<void> {
    const environment = { ...process.env, OVS_RUNDIR: runDir, OVS_LOGDIR: runDir, OVS_DBDIR: runDir };
    const database = path.join(runDir, 'conf.db');
    await execute('mkdir', ['-p', runDir]);
    await execute('ovsdb-tool', ['create', database, '/usr/share/openvswitch/vswitch.ovsschema']);
    const start = async (name: string, args: readonly string[]): Promise<void> => {
      const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, name, ...args], {
        env: environment,
        stdio: 'ignore',
      });
      this.#stack.defer(async () => end(child));
    };
    await start('ovsdb-server', [
      database,
      `--remote=punix:${runDir}/db.sock`,
      `--log-file=${runDir}/db.log`,
    ]);
    await vsctl(runDir, '--no-wait', 'init');
    await start('ovs-vswitchd', [`unix:${runDir}/db.sock`, `--log-file=${runDir}/vswitchd.log`]);
    // Without --no-wait it returns when the switch has taken over the configuration.
    await vsctl(runDir, 'show');
  }
}

async function vsctl(runDir: string, ...args: readonly string[]): Promise<void> {
  await execute('ovs-vsctl', [`--db=unix:${runDir}/db.sock`, '--timeout=20', '--retry', ...args]);
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  await closed;
}

export class LabHost {
  readonly namespace: string;
  readonly settings: HostNetworkSettings;
  readonly #known = new Map<string, { kind: 'network' | 'port' | 'group' | 'address'; id: string }>();

  constructor(namespace: string, settings: HostNetworkSettings) {
    this.namespace = namespace;
    this.settings = settings;
  }

  async tell(command: Command): Promise<HostNetworkThing[]> {
    if (command.do === 'apply')
      for (const { kind, id } of command.things) this.#known.set(`${kind} ${id}`, { kind, id });
    const text = await this.start(command).answer;
    const answer = hostAnswerSchema.parse(JSON.parse(text.trim().split('\n').at(-1) ?? ''));
    if (!answer.ok) throw Object.assign(new Error(answer.message), { fault: answer.fault });
    return answer.things.map((thing) => hostNetworkThingSchema.parse(thing));
  }

  /** The program as a process, so that it can be killed in the middle. */
  start(command: Command): { readonly child: ChildProcess; readonly answer: Promise<string> } {
    const child = spawn('nsenter', [`--net=/run/netns/${this.namespace}`, process.execPath, program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(JSON.stringify({ ...command, settings: this.settings }));
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    return { child, answer: new Promise((resolve) => child.once('close', () => resolve(output))) };
  }

  async clear(): Promise<void> {
    const things = [...this.#known.values()];
    if (things.length > 0) await this.tell({ do: 'remove', things });
  }
}

/** ip(8) within a namespace. */
export async function ip(namespace: string, words: string): Promise<string> {
  return (await execute('ip', ['-n', namespace, ...words.split(' ')])).stdout;
}

/** A program within a namespace; its output, or undefined when it fails. */
export async function inside(namespace: string, ...command: readonly string[]): Promise<string | undefined> {
  return execute('nsenter', [`--net=/run/netns/${namespace}`, ...command], { timeout: 20_000 }).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}

/** Whether one of several gets an answer: the first may be lost while a switch learns its way. */
export async function canPing(namespace: string, address: string): Promise<boolean> {
  return (await inside(namespace, 'ping', '-c', '5', '-i', '0.2', '-W', '1', address)) !== undefined;
}

/** Whether a connection comes about; nobody needs to accept it. */
export async function canConnect(namespace: string, address: string, port: number): Promise<boolean> {
  const open = 'exec 3<>"/dev/tcp/$0/$1"';
  return (await inside(namespace, 'timeout', '1', 'bash', '-c', open, address, String(port))) !== undefined;
}

/** Accepts connections until it is disposed of. */
export async function listen(namespace: string, port: number): Promise<AsyncDisposable> {
  const args = ['busybox', 'nc', '-ll', '-p', String(port), '-e', '/bin/true'];
  const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, ...args], { stdio: 'ignore' });
  await vi.waitFor(async () => {
    if (!(await inside(namespace, 'ss', '-Hltn', `sport = :${port}`))?.includes('LISTEN'))
      throw new Error('not yet');
  }, 10_000);
  return { [Symbol.asyncDispose]: async () => end(child) };
}
