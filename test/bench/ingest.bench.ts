import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeLargeObject, makeSlices } from './ingest/slices.ts';
import { openMemoryFiller } from './ingest/memory.ts';
import { issueIdentity, type ReceiverName, receiverNames, startReceiver } from './ingest/receivers.ts';
import { send, type Sender } from './ingest/send.ts';
import { median, printResult, progress } from './report.ts';
import { ensureDebianPackages } from './stream/packages.ts';

/**
 * C-STORE of CT slices of 512 KiB by DCMTK's senders to an empty storage node, to Orthanc (which syncs too) and to DCMTK's storescp (which neither
 * syncs nor indexes), in turns; mutual TLS beside plain by the same sender; and memory with many associations and one large object.
 * What is told is how each runs, not how it starts: each takes some objects before that are not counted, as many as it takes until V8 has compiled
 * what the storage node does, and none is charged for memory that the machine has yet to be given.
 */
const { values: options } = parseArgs({
  options: {
    objects: { type: 'string', default: '1000' },
    warmUp: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    associations: { type: 'string', default: '1,4' },
    /** GiB; 0: no look at memory. */
    large: { type: 'string', default: '2' },
  },
});
const objects = Number(options.objects);
const warmUp = Number(options.warmUp);
/** It is over sooner. */
const warmUpAssociations = 4;
const rounds = Number(options.rounds);
const associationCounts = options.associations.split(',').map(Number);

ensureDebianPackages(['dcmtk', 'orthanc', 'openssl']);
await using folder = await temporary();
progress(`making ${warmUp + objects} slices`);
await using memory = await openMemoryFiller(path.join(folder.path, 'nothing'));
const all = await makeSlices(path.join(folder.path, 'slices'), warmUp + objects);
const [first, slices] = [all.slice(0, warmUp), all.slice(warmUp)];
const figures = new Map<string, number[]>();

for (let round = 0; round < rounds; round += 1) {
  for (const associations of associationCounts)
    for (const name of rotated(receiverNames, round))
      await measure(name, associations, { sender: { program: 'dcmsend' }, label: name });
  await measureTls();
}
const results = Number(options.large) > 0 ? await measureMemory(Number(options.large) * 2 ** 30) : {};
printResult({ bench: 'ingest', ...summary(), n: objects * rounds, results });

async function measure(
  name: ReceiverName,
  associations: number,
  { sender, label }: { readonly sender: Sender; readonly label: string },
): Promise<void> {
  await memory.fill();
  await using receiver = await startReceiver(name, label, folder.path);
  if (warmUp > 0) await send(first, receiver, { ...sender, associations: warmUpAssociations });
  const before = receiver.cpuSeconds();
  const seconds = await send(slices, receiver, { ...sender, associations });
  const cpu = receiver.cpuSeconds() - before;
  if ((await receiver.stored()) < warmUp + objects) throw new Error(`${label} did not keep every object`);
  note(label, associations, {
    objectsPerSecond: objects / seconds,
    cpuPer1000: (cpu / objects) * 1_000,
    mostMiB: receiver.mostMiB(),
  });
}

/** Plain and over TLS by the same sender, one after the other. */
async function measureTls(): Promise<void> {
  for (const isOverTls of [false, true]) {
    await memory.fill();
    await using receiver = await startReceiver('medusa', 'TLS', folder.path);
    const identity = await issueIdentity(
      receiver.pki,
      path.join(folder.path, `identity-${isOverTls ? 'tls' : 'plain'}`),
    );
    const sender: Sender = { program: 'storescu', ...(isOverTls && { identity }) };
    if (warmUp > 0) await send(first, receiver, { ...sender, associations: warmUpAssociations });
    const before = receiver.cpuSeconds();
    const seconds = await send(slices, receiver, { ...sender, associations: 1 });
    const cpu = receiver.cpuSeconds() - before;
    note(isOverTls ? 'medusa.tls' : 'medusa.plain', 1, {
      objectsPerSecond: objects / seconds,
      cpuPer1000: (cpu / objects) * 1_000,
    });
  }
}

async function measureMemory(bytes: number): Promise<Record<string, number>> {
  progress('making a large object');
  const large = await makeLargeObject(folder.path, bytes);
  await using receiver = await startReceiver('medusa', 'memory', folder.path);
  const sender: Sender = { program: 'storescu' };
  await Promise.all([
    send([large], receiver, { ...sender, associations: 1 }),
    send(slices, receiver, { ...sender, associations: 15 }),
  ]);
  const mostMiB = receiver.mostMiB();
  progress(`memory: ${mostMiB.toFixed(0)} MiB at most`);
  return { mostMiBWith16Associations: Math.round(mostMiB) };
}

function note(label: string, associations: number, measured: Readonly<Record<string, number>>): void {
  for (const [figure, value] of Object.entries(measured)) {
    const key = `${label}.${associations}.${figure}`;
    figures.set(key, [...(figures.get(key) ?? []), value]);
  }
  const text = Object.entries(measured).map(([figure, value]) => `${figure} ${value.toPrecision(4)}`);
  progress(`${label}, ${associations} associations: ${text.join(', ')}`);
}

function summary(): { medians: Record<string, number>; ratios: Record<string, number> } {
  const medians = Object.fromEntries([...figures].map(([key, values]) => [key, median(values)]));
  const of = (key: string): number => medians[key] ?? Number.NaN;
  const ratios: Record<string, number> = {};
  for (const count of associationCounts) {
    const ours = (figure: string, other: ReceiverName): number =>
      of(`medusa.${count}.${figure}`) / of(`${other}.${count}.${figure}`);
    ratios[`${count}.objectsPerSecond.toOrthanc`] = ours('objectsPerSecond', 'orthanc');
    ratios[`${count}.objectsPerSecond.toStorescp`] = ours('objectsPerSecond', 'storescp');
    ratios[`${count}.cpuPer1000.toOrthanc`] = ours('cpuPer1000', 'orthanc');
  }
  const tlsSeconds = of('medusa.tls.1.cpuPer1000') - of('medusa.plain.1.cpuPer1000');
  return { medians: { ...medians, 'tls.addedCpuPer1000': tlsSeconds }, ratios };
}

/** Nobody is always first. */
function rotated<Value>(values: readonly Value[], by: number): Value[] {
  return values.map((_, index) => values[(index + by) % values.length] as Value);
}

async function temporary(): Promise<AsyncDisposable & { readonly path: string }> {
  const made = await mkdtemp(path.join(tmpdir(), 'medusa-bench-ingest-'));
  return { path: made, [Symbol.asyncDispose]: async () => rm(made, { recursive: true, force: true }) };
}
