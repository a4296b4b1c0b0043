import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { createExclusive } from '@medusa/kernel';
import { isRunning } from '../../../embedded/index.ts';
import {
  ProviderError,
  type Machine,
  type MachinePort,
  type MachineRequest,
  type Operation,
  type OwnerTag,
} from '../../port/index.ts';
import { openNotes, type Note, type Notes } from './notes.ts';
import { endProcess, findMachines, machineVariable, startDetached } from './processes.ts';

export type LocalSettings = {
  /** Each machine has a folder in it, with its log and the note of its process. */
  readonly nodesDir: string;
  /** Program and arguments of the agent. */
  readonly command: readonly [string, ...string[]];
  /** How long the agent may take to close its sessions. */
  readonly stopMs: number;
  /** The first machine's media port; the others have the next ones. 0: any. */
  readonly rtcPort: number;
  /** Instead of the one that the guest is told. */
  readonly rtcAddress?: string | undefined;
};

/** What this computer offers: processes of the agent. */
export const localImage = 'agent';
export const localSize = 'process';

const consoleBytes = 64 * 1024;

/** Machines as processes of this computer. They go on when the broker ends, and are found again. */
export function createLocalMachines(settings: LocalSettings): MachinePort {
  const notes = openNotes(settings.nodesDir);
  const exclusive = createExclusive();

  const noted = async (folder: string): Promise<Note | undefined> => {
    const note = await notes.read(folder);
    if (note && (await isRunning(note))) return note;
    return (await unnoted(settings, notes)).get(folder) ?? note;
  };

  /** Named after the node, unless another installation has such a node on this computer. */
  const folderFor = async ({ resource, owner }: OwnerTag): Promise<string> => {
    const held = await noted(resource);
    const isOthers = held?.owner !== undefined && held.owner !== owner && (await isRunning(held));
    return isOthers ? `${resource}_${owner}` : resource;
  };

  return {
    actions: [],

    create: async (request, tag, name, operation) =>
      exclusive(tag.resource, async () => {
        operation.signal.throwIfAborted();
        check(request);
        const folder = await folderFor(tag);
        const before = await noted(folder);
        if (before && (await isRunning(before))) {
          if (before.incarnation === tag.incarnation) return toMachine(folder, before, tag.owner);
          throw new ProviderError('conflict', `An older process of ${tag.resource} runs`);
        }
        await refuseTaken(notes, name, folder);
        return start(settings, notes, { request, tag, name, operation, folder });
      }),

    async get(ref) {
      const { folder, incarnation } = parseRef(ref);
      const note = await noted(folder);
      return note?.incarnation === incarnation ? toMachine(folder, note, note.owner ?? '') : undefined;
    },

    async list(owner) {
      const known = new Map(await notes.all());
      for (const [folder, note] of await unnoted(settings, notes)) known.set(folder, note);
      const mine = [...known].filter(([, note]) => note.owner === undefined || note.owner === owner);
      return Promise.all(mine.map(async ([folder, note]) => toMachine(folder, note, owner)));
    },

    async destroy(ref, { signal }) {
      const { folder, incarnation } = parseRef(ref);
      await exclusive(folder, async () => {
        signal.throwIfAborted();
        const note = await noted(folder);
        if (note?.incarnation !== incarnation) return;
        await endProcess(note, { stopMs: settings.stopMs, signal });
        if (await isRunning(note))
          throw new ProviderError('transient', `The process ${note.pid} does not end`);
        await notes.remove(folder);
      });
    },

    async act() {
      throw new ProviderError('invalid', 'A process is only started and ended');
    },

    console: async (ref) => {
      const { folder } = parseRef(ref);
      return { kind: 'text', text: await endOf(join(notes.dirOf(folder), 'node.log')) };
    },
  };
}

async function start(
  settings: LocalSettings,
  notes: Notes,
  what: {
    readonly request: MachineRequest;
    readonly tag: OwnerTag;
    readonly name: string;
    readonly operation: Operation;
    readonly folder: string;
  },
): Promise<Machine> {
  const { request, tag, name, operation, folder } = what;
  const { owner, resource, incarnation } = tag;
  const dir = notes.dirOf(folder);
  const rtcPort = await choosePort(settings, notes, folder);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const identity = await startDetached(settings.command, {
      dir,
      logFile: join(dir, 'node.log'),
      environment: {
        ...request.guest.environment,
        MEDUSA_NODE_DIR: dir,
        MEDUSA_RTC_PORT: String(rtcPort),
        ...(settings.rtcAddress !== undefined && { MEDUSA_RTC_ADDRESS: settings.rtcAddress }),
        [machineVariable]: [owner, folder, incarnation, settings.nodesDir].join(' '),
      },
    });
    if (!identity) throw new ProviderError('transient', `The process of ${resource} ended at once`);
    if (operation.signal.aborted) {
      process.kill(-identity.pid, 'SIGKILL');
      operation.signal.throwIfAborted();
    }
    const startedAt = new Date().toISOString();
    const note = { ...identity, startedAt, owner, incarnation, name, operation: operation.id, rtcPort };
    await notes.write(folder, note);
    return await toMachine(folder, note, owner);
  } catch (cause) {
    if (cause instanceof ProviderError || operation.signal.aborted) throw cause;
    throw new ProviderError('transient', `The process of ${resource} could not be started`, { cause });
  }
}

function check({ image, size }: MachineRequest): void {
  if (image !== localImage) throw new ProviderError('invalid', `There is no image ${image} on this computer`);
  if (size !== localSize) throw new ProviderError('invalid', `There is no size ${size} on this computer`);
}

async function refuseTaken(notes: Notes, name: string, folder: string): Promise<void> {
  for (const [other, note] of await notes.all())
    if (other !== folder && note.name === name && (await isRunning(note)))
      throw new ProviderError('conflict', `There is a process with the name ${name}`);
}

/** Processes that were started, and whose note was not written because the broker ended in that moment. Noted now. */
async function unnoted({ command, nodesDir }: LocalSettings, notes: Notes): Promise<Map<string, Note>> {
  const found = new Map<string, Note>();
  for (const { machine, identity } of await findMachines(command)) {
    const [owner = '', folder = '', incarnation = '', ...dir] = machine.split(' ');
    if (dir.join(' ') !== nodesDir) continue;
    const note = await notes.read(folder);
    if (note && (await isRunning(note))) continue;
    const startedAt = new Date().toISOString();
    const made = {
      ...identity,
      startedAt,
      owner,
      incarnation: Number(incarnation),
      name: '',
      operation: '',
      rtcPort: null,
    };
    if (note) await notes.write(folder, made);
    found.set(folder, note ? made : await notes.writeFirst(folder, made));
  }
  return found;
}

/** `render-2` has the second port, as long as nobody else has it. */
async function choosePort({ rtcPort }: LocalSettings, notes: Notes, folder: string): Promise<number> {
  if (rtcPort === 0) return 0;
  const all = await notes.all();
  const running = await Promise.all(
    [...all].map(async ([other, note]) =>
      other !== folder && (await isRunning(note)) ? [note.rtcPort] : [],
    ),
  );
  const taken = new Set(running.flat());
  const number = Number(/-(\d+)(?:_|$)/.exec(folder)?.[1] ?? 1);
  const preferred = rtcPort + Math.max(0, number - 1);
  if (!taken.has(preferred)) return preferred;
  for (let port = rtcPort; port < 65_536; port += 1) if (!taken.has(port)) return port;
  throw new ProviderError('capacity', 'There is no free media port');
}

function parseRef(ref: string): { folder: string; incarnation: number } {
  const [folder = '', incarnation = ''] = ref.split('/');
  return { folder, incarnation: Number(incarnation) };
}

async function toMachine(folder: string, note: Note, owner: string): Promise<Machine> {
  const { incarnation, pid, name, startedAt } = note;
  const isUp = await isRunning(note);
  const [resource = folder] = folder.split('_');
  return {
    ref: `${folder}/${incarnation}`,
    name,
    tag: { owner, resource, incarnation },
    state: isUp ? 'running' : 'terminated',
    detail: isUp ? `process ${pid}` : `The process ${pid} has ended`,
    createdAt: new Date(startedAt),
    addresses: ['127.0.0.1'],
    ...{ image: localImage, size: localSize, zone: null },
  };
}

async function endOf(file: string): Promise<string> {
  const log = await open(file, 'r').catch(() => undefined);
  if (!log) return '';
  try {
    const { size } = await log.stat();
    const length = Math.min(size, consoleBytes);
    const { buffer } = await log.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8');
  } finally {
    await log.close();
  }
}
