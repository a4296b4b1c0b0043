import { access, chmod, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { hostNetworkCommandSchema, type HostNetworkCommand, type HostNetworkThing } from '@medusa/protocol';
import type { Backend, Host } from './backend.ts';
import { bridgeBackend } from './bridge-backend.ts';
import { converge, convergeAddresses, type Converge } from './converge.ts';
import { callHooks, eventsOf } from './hooks.ts';
import { loadJournal, saveJournal, type Journal } from './journal.ts';
import { linksOf } from './links.ts';
import { lock } from '../host/lock.ts';
import { deviceNames } from './names.ts';
import { observe } from './observe.ts';
import { ovsBackend } from './ovs-backend.ts';
import { run, succeeds } from '../host/run.ts';
import { applied, assigned, removed, swept } from './wants.ts';
import { watch } from './watch.ts';

type Change = Exclude<HostNetworkCommand, { do: 'list' | 'watch' }>;

/** One command to its end. The journal is written before the host is touched: asked again after a crash, it goes on from there. */
export async function runCommand(
  input: unknown,
  now: () => Date,
  tell: (line: string) => void,
): Promise<readonly HostNetworkThing[]> {
  const command = hostNetworkCommandSchema.parse(input);
  const host = hostOf(command);
  const { stateDir } = command.settings;
  // Passable for dnsmasq, which is no longer root; the journal in it is not readable.
  await mkdir(stateDir, { recursive: true });
  await chmod(stateDir, 0o711);
  const backend = await backendOf(host);
  const tools: Converge = { host, backend, save: async (journal) => saveJournal(stateDir, journal) };
  const change = async (asked: Change): Promise<readonly HostNetworkThing[]> => {
    const held = await lock(stateDir);
    try {
      return await changed(asked, tools, now);
    } finally {
      await held[Symbol.asyncDispose]();
    }
  };
  switch (command.do) {
    case 'list': {
      const things = await observe(await loadJournal(stateDir), host, backend);
      return things.filter(({ tag }) => command.owner === null || tag.owner === command.owner);
    }
    case 'watch':
      await watch(
        {
          addresses: async () => loadJournal(stateDir),
          move: async (address, machine) => {
            await change({ do: 'assign', settings: command.settings, address, machine });
          },
          tell,
        },
        command.intervalMs,
      );
      return [];
    case 'apply':
    case 'remove':
    case 'assign':
    case 'restore':
      return change(command);
  }
}

async function changed(
  command: Change,
  tools: Converge,
  now: () => Date,
): Promise<readonly HostNetworkThing[]> {
  const { host, backend, save } = tools;
  const before = await loadJournal(host.settings.stateDir);
  const wanted = wantedAfter(before, command, { now: now().toISOString(), names: host.names });
  await save(wanted);
  let done = wanted;
  if (command.do === 'assign') await convergeAddresses(wanted, tools);
  else done = await converge(wanted, tools);
  const touched =
    command.do === 'assign'
      ? [{ kind: 'address', id: command.address }]
      : command.do === 'restore'
        ? []
        : command.things;
  await callHooks(host, (network) => backend.deviceOf(network), eventsOf(done, touched, host));
  const left = swept(done);
  await save(left.networks.length === 0 ? { ...left, switchedOn: [] } : left);
  if (command.do === 'remove') return [];
  const ids = touched.map(({ kind, id }) => `${kind} ${id}`);
  return (await observe(left, host, backend)).filter(({ kind, id }) => ids.includes(`${kind} ${id}`));
}

function wantedAfter(journal: Journal, command: Change, change: Parameters<typeof applied>[2]): Journal {
  switch (command.do) {
    case 'apply':
      return applied(journal, command.things, change);
    case 'remove':
      return removed(journal, command.things);
    case 'assign':
      return assigned(journal, command.address, command.machine);
    case 'restore':
      return journal;
  }
}

function hostOf({ settings }: HostNetworkCommand): Host {
  return {
    run,
    links: linksOf(run, null),
    names: deviceNames(settings.stateDir),
    settings,
    readSysctl: async (name) => (await readFile(path.join('/proc/sys/net', name), 'utf8')).trim(),
  };
}

async function backendOf(host: Host): Promise<Backend> {
  const { backend, ovs } = host.settings;
  if (backend === 'bridge') return bridgeBackend(host);
  const hasSwitch =
    backend === 'ovs' ||
    ((await access(path.join(ovs.runDir, 'db.sock')).then(
      () => true,
      () => false,
    )) &&
      (await succeeds('ovs-vsctl', [`--db=unix:${ovs.runDir}/db.sock`, '--timeout=5', 'show'])));
  return hasSwitch ? ovsBackend(host) : bridgeBackend(host);
}
