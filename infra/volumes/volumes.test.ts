import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { hostVolumeThingSchema, type HostVolumeCommand, type HostVolumeThing } from '@medusa/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from './program.ts';

const execute = promisify(execFile);
const program = path.join(import.meta.dirname, 'main.ts');
const hasLoops = process.getuid?.() === 0 && existsSync('/dev/loop-control');
const tag = { owner: 'tester', resource: 'data', incarnation: 1 };

type Command = HostVolumeCommand extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'settings'>
    : never
  : never;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'medusa-volumes-'));
});
afterEach(async () => {
  for (const { id, attachedTo } of await tell({ do: 'list', owner: null }))
    if (attachedTo) await tell({ do: 'detach', id });
  await rm(dir, { recursive: true });
});

function start(command: Command): { kill: () => void; output: Promise<string> } {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ ...command, settings: { dir } }));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  return {
    kill: () => child.kill('SIGKILL'),
    output: new Promise((resolve) => child.once('close', () => resolve(output))),
  };
}

/** In this process; what ends in the middle is a process of its own. */
async function tell(command: Command): Promise<HostVolumeThing[]> {
  const things = await runCommand({ ...command, settings: { dir } }, () => new Date());
  return things.map((thing) => hostVolumeThingSchema.parse(thing));
}

const create = (
  id: string,
  source: Extract<Command, { do: 'create' }>['source'] = { kind: 'blank' },
): Command => ({
  ...{ do: 'create', id, tag, sizeMiB: 8, source },
});
const diskOf = (id: string): string => path.join(dir, 'volumes', id, 'disk');

async function write(file: string, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(bytes, 0, bytes.length, 1_000_000);
  await handle.sync();
  await handle.close();
}
const hashOf = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

describe('volumes of a plain host', () => {
  it('are made once under their name, sparse, and found by their owner', async () => {
    const [first] = await tell(create('data-1'));
    const [again] = await tell(create('data-1'));
    expect(again).toEqual(first);
    expect(first).toMatchObject({
      kind: 'volume',
      id: 'data-1',
      tag,
      sizeMiB: 8,
      attachedTo: null,
      state: 'up',
    });
    const { size, blocks } = await stat(diskOf('data-1'));
    expect(size).toBe(8 * 1024 * 1024);
    expect(blocks * 512).toBeLessThan(1024 * 1024);

    await expect(
      tell({ ...create('data-1'), tag: { ...tag, owner: 'other' } } as Command),
    ).rejects.toMatchObject({
      fault: 'conflict',
    });
    expect(await tell({ do: 'list', owner: 'other' })).toEqual([]);
    expect(await tell({ do: 'list', owner: 'tester' })).toEqual([first]);
  });

  it('come back to the bytes of a snapshot, and are copied with theirs', async () => {
    await tell(create('data-1'));
    await write(diskOf('data-1'), randomBytes(100_000));
    const kept = await hashOf(diskOf('data-1'));
    await tell({ do: 'snapshot', id: 'snap-1', tag, volume: 'data-1' });
    await write(diskOf('data-1'), randomBytes(100_000));
    const later = await hashOf(diskOf('data-1'));

    await tell(create('from-snapshot', { kind: 'snapshot', id: 'snap-1' }));
    await tell(create('clone', { kind: 'volume', id: 'data-1' }));
    await tell({ do: 'revert', id: 'data-1', snapshot: 'snap-1' });

    expect(later).not.toBe(kept);
    expect(await hashOf(diskOf('from-snapshot'))).toBe(kept);
    expect(await hashOf(diskOf('clone'))).toBe(later);
    expect(await hashOf(diskOf('data-1'))).toBe(kept);
    await tell({ do: 'remove', id: 'data-1', kind: 'volume' });
    expect(await tell({ do: 'list', owner: null })).toContainEqual(
      expect.objectContaining({ kind: 'snapshot', id: 'snap-1', volume: 'data-1' }),
    );
  });

  it('refuse what there is no room for, and what does not exist', async () => {
    await expect(
      tell({ do: 'create', id: 'huge', tag, sizeMiB: 2 ** 33, source: { kind: 'blank' } }),
    ).rejects.toMatchObject({
      fault: 'capacity',
    });
    await expect(tell(create('copy', { kind: 'snapshot', id: 'none' }))).rejects.toMatchObject({
      fault: 'not-found',
    });
    expect(await tell({ do: 'list', owner: null })).toEqual([]);
    expect(await tell({ do: 'remove', id: 'none', kind: 'volume' })).toEqual([]);
  });

  it('are there whole or not at all when the program is killed', async () => {
    await tell(create('data-1'));
    await write(diskOf('data-1'), randomBytes(4_000_000));
    const whole = await hashOf(diskOf('data-1'));
    for (const afterMs of [100, 200, 300]) {
      const { kill, output } = start(create(`copy-${afterMs}`, { kind: 'volume', id: 'data-1' }));
      setTimeout(kill, afterMs);
      await output;
    }
    for (const { id } of await tell({ do: 'list', owner: null }))
      expect(await hashOf(diskOf(id))).toBe(whole);
  });
});

describe.skipIf(!hasLoops)(`attached volumes${hasLoops ? '' : ' (need root and loop devices)'}`, () => {
  const attach = (id: string, machine: string): Command => ({
    ...{ do: 'attach', id, machine, link: path.join(dir, machine, 'data') },
  });

  it('belong to one machine, which finds its bytes again after a detach', async () => {
    await tell(create('data-1'));
    const [attached] = await tell(attach('data-1', 'node-1'));
    const device = attached?.attachedTo?.device ?? '';
    expect(await readlink(path.join(dir, 'node-1/data'))).toBe(device);
    await write(device, randomBytes(50_000));
    const written = await hashOf(device);

    expect(await tell(attach('data-1', 'node-1'))).toEqual([attached]);
    await expect(tell(attach('data-1', 'node-2'))).rejects.toMatchObject({ fault: 'conflict' });
    await expect(tell({ do: 'remove', id: 'data-1', kind: 'volume' })).rejects.toMatchObject({
      fault: 'conflict',
    });
    await tell({ do: 'detach', id: 'data-1' });
    await tell({ do: 'detach', id: 'data-1' });
    expect(existsSync(path.join(dir, 'node-1/data'))).toBe(false);
    const [moved] = await tell(attach('data-1', 'node-2'));

    expect(moved?.attachedTo?.machine).toBe('node-2');
    expect(await hashOf(moved?.attachedTo?.device ?? '')).toBe(written);
  });

  it('are told as lost when their device is gone, and come back', async () => {
    await tell(create('data-1'));
    const [attached] = await tell(attach('data-1', 'node-1'));
    await execute('losetup', ['--detach', attached?.attachedTo?.device ?? '']);

    expect((await tell({ do: 'list', owner: null }))[0]).toMatchObject({
      state: 'degraded',
      attachedTo: { machine: 'node-1', device: null },
    });
    expect((await tell(attach('data-1', 'node-1')))[0]).toMatchObject({ state: 'up' });
  });

  it('are not copied while in use, where a copy takes time', async ({ skip }) => {
    await tell(create('data-1'));
    const [attached] = await tell(attach('data-1', 'node-1'));
    const isShared = await tell({ do: 'snapshot', id: 'snap-1', tag, volume: 'data-1' }).then(
      () => true,
      (error: unknown) => {
        expect(error).toMatchObject({ fault: 'conflict' });
        return false;
      },
    );
    if (isShared) skip('copies share blocks here');
    expect(attached?.state).toBe('up');
  });
});
