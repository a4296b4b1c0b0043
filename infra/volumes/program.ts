import { mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  hostVolumeCommandSchema,
  type HostTag,
  type HostVolumeCommand,
  type HostVolumeThing,
} from '@medusa/protocol';
import { HostError } from '../host/host-error.ts';
import { lock } from '../host/lock.ts';
import { run } from '../host/run.ts';
import { attachLoop, detachLoop, devicesOf } from './loop.ts';
import { openStore, type Kind, type Note, type Store } from './store.ts';

type Of<Do extends HostVolumeCommand['do']> = Extract<HostVolumeCommand, { do: Do }>;

/** One command to its end: block volumes of a host without a cloud, as sparse files behind loop devices. */
export async function runCommand(input: unknown, now: () => Date): Promise<readonly HostVolumeThing[]> {
  const command = hostVolumeCommandSchema.parse(input);
  const { dir } = command.settings;
  const store = openStore(dir, run);
  if (command.do === 'list') {
    const things = await Promise.all(
      (['volume', 'snapshot'] as const).map(async (kind) =>
        Promise.all((await store.all(kind)).map(async (note) => thingOf(store, kind, note))),
      ),
    );
    return things.flat().filter(({ tag }) => command.owner === null || tag.owner === command.owner);
  }
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const held = await lock(dir);
  try {
    await store.sweep();
    return await changed(store, command, now);
  } finally {
    await held[Symbol.asyncDispose]();
  }
}

async function changed(
  store: Store,
  command: Exclude<HostVolumeCommand, { do: 'list' }>,
  now: () => Date,
): Promise<readonly HostVolumeThing[]> {
  switch (command.do) {
    case 'create':
      return [await create(store, command, now)];
    case 'snapshot':
      return [await snapshot(store, command, now)];
    case 'revert':
      return [await revert(store, command)];
    case 'attach':
      return [await attach(store, command)];
    case 'detach':
      return [await detach(store, command.id)];
    case 'remove':
      await remove(store, command);
      return [];
  }
}

async function create(
  store: Store,
  { id, tag, sizeMiB, source }: Of<'create'>,
  now: () => Date,
): Promise<HostVolumeThing> {
  const there = await existing(store, 'volume', { id, tag });
  if (there) return thingOf(store, 'volume', there);
  const origin = source.kind === 'blank' ? null : await demand(store, source.kind, source.id);
  if (origin && origin.sizeMiB > sizeMiB)
    throw new HostError(
      'invalid',
      `${origin.id} has ${origin.sizeMiB} MiB, which do not fit into ${sizeMiB}`,
    );
  if (origin && source.kind === 'volume') await demandStill(store, origin);
  const note: Note = { id, tag, sizeMiB, volume: null, attachedTo: null, createdAt: now().toISOString() };
  await store.make('volume', note, source.kind === 'blank' ? null : store.diskOf(source.kind, source.id));
  return thingOf(store, 'volume', note);
}

async function snapshot(
  store: Store,
  { id, tag, volume }: Of<'snapshot'>,
  now: () => Date,
): Promise<HostVolumeThing> {
  const there = await existing(store, 'snapshot', { id, tag });
  if (there) return thingOf(store, 'snapshot', there);
  const origin = await demand(store, 'volume', volume);
  await demandStill(store, origin);
  const note: Note = {
    id,
    tag,
    sizeMiB: origin.sizeMiB,
    volume,
    attachedTo: null,
    createdAt: now().toISOString(),
  };
  await store.make('snapshot', note, store.diskOf('volume', volume));
  return thingOf(store, 'snapshot', note);
}

async function revert(store: Store, { id, snapshot: from }: Of<'revert'>): Promise<HostVolumeThing> {
  const note = await demand(store, 'volume', id);
  const source = await demand(store, 'snapshot', from);
  if (source.volume !== id)
    throw new HostError('invalid', `${from} is a snapshot of ${String(source.volume)}`);
  if (note.attachedTo) throw new HostError('conflict', `${id} is attached to ${note.attachedTo.machine}`);
  await store.replaceDisk(id, store.diskOf('snapshot', from));
  return thingOf(store, 'volume', note);
}

/** The machine is noted first: from then on nobody else gets it, whatever becomes of this command. */
async function attach(store: Store, { id, machine, link }: Of<'attach'>): Promise<HostVolumeThing> {
  const note = await demand(store, 'volume', id);
  if (note.attachedTo && note.attachedTo.machine !== machine)
    throw new HostError('conflict', `${id} is attached to ${note.attachedTo.machine}`);
  const noted = { ...note, attachedTo: { machine, link } };
  await store.update('volume', noted);
  const file = store.diskOf('volume', id);
  const device = (await devicesOf(run, file))[0] ?? (await attachLoop(run, file));
  if (link !== null) {
    await mkdir(path.dirname(link), { recursive: true });
    await rm(link, { force: true });
    await symlink(device, link);
  }
  return thingOf(store, 'volume', noted);
}

async function detach(store: Store, id: string): Promise<HostVolumeThing> {
  const note = await demand(store, 'volume', id);
  const file = store.diskOf('volume', id);
  for (const device of await devicesOf(run, file)) await detachLoop(run, device);
  const [used] = await devicesOf(run, file);
  if (used !== undefined)
    throw new HostError('conflict', `${used} is in use: ${id} is detached when the machine has let go of it`);
  if (note.attachedTo?.link) await rm(note.attachedTo.link, { force: true });
  const noted = { ...note, attachedTo: null };
  await store.update('volume', noted);
  return thingOf(store, 'volume', noted);
}

async function remove(store: Store, { id, kind }: Of<'remove'>): Promise<void> {
  const note = await store.read(kind, id);
  if (!note) return;
  if (note.attachedTo) throw new HostError('conflict', `${id} is attached to ${note.attachedTo.machine}`);
  await store.remove(kind, id);
}

async function demand(store: Store, kind: Kind, id: string): Promise<Note> {
  const note = await store.read(kind, id);
  if (!note) throw new HostError('not-found', `There is no ${kind} ${id}`);
  return note;
}

async function existing(
  store: Store,
  kind: Kind,
  wanted: { id: string; tag: HostTag },
): Promise<Note | undefined> {
  const note = await store.read(kind, wanted.id);
  if (note && !isDeepStrictEqual(note.tag, wanted.tag))
    throw new HostError('conflict', `${note.id} is ${note.tag.owner}'s ${note.tag.resource}`);
  return note;
}

/** A copy made while a machine writes is a mixture of moments, unless it is made in one. */
async function demandStill(store: Store, { id, attachedTo }: Note): Promise<void> {
  if (!attachedTo) return;
  if (!(await store.canShareBlocks()))
    throw new HostError(
      'conflict',
      `${id} is attached, and this file system cannot copy it in one moment: detach it first`,
    );
  for (const device of await devicesOf(run, store.diskOf('volume', id)))
    await run('blockdev', ['--flushbufs', device]);
}

async function thingOf(store: Store, kind: Kind, note: Note): Promise<HostVolumeThing> {
  const { id, tag, sizeMiB, volume, attachedTo, createdAt } = note;
  const [device = null] = attachedTo ? await devicesOf(run, store.diskOf(kind, id)) : [];
  const isLost = attachedTo !== null && device === null;
  return {
    ...{ kind, id, tag, sizeMiB, volume, createdAt },
    attachedTo: attachedTo && { machine: attachedTo.machine, device },
    state: isLost ? 'degraded' : 'up',
    detail: isLost ? 'its device is gone, as after a boot: attach it again' : '',
  };
}
