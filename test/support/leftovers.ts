import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Medusa } from './medusa.ts';
import { descendantsOf, environmentOf, listProcesses } from './processes.ts';
import { waitFor } from './wait.ts';

/** What sessions use up on a render node: processes, X displays and listening ports, each as a line of text. */
export function inventory(medusa: Medusa): readonly string[] {
  const agent = medusa.findProcess('renderer/main.ts');
  if (!agent) throw new Error('The render node itself is gone');
  const below = descendantsOf(agent.pid);
  // Whoever was set free from its parent still carries the node's folder in its environment.
  const strays = listProcesses().filter(
    ({ pid }) =>
      pid !== agent.pid && environmentOf(pid, 'MEDUSA_NODE_DIR')?.startsWith(medusa.dataDir) === true,
  );
  const processes = new Map([...below, ...strays].map(({ pid, command }) => [pid, command.slice(0, 120)]));
  const displays = existsSync('/tmp/.X11-unix') ? readdirSync('/tmp/.X11-unix') : [];
  return [
    ...Array.from(processes.values(), (command) => `process ${command}`),
    ...displays.map((name) => `display ${name}`),
    ...portsOf([agent.pid, ...processes.keys()]).map((port) => `port ${port}`),
  ].sort();
}

/** Waits until the render node holds what it held before, and no more; throws with what is left. */
export async function expectNothingLeft(medusa: Medusa, before: readonly string[]): Promise<void> {
  let left: string[] = [];
  await waitFor('the render node to be as before', () => {
    left = inventory(medusa).filter((line) => !before.includes(line));
    return left.length === 0 ? true : undefined;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; left: ${left.join(' | ')}`, { cause: error });
  });
}

/** Listening TCP and bound UDP ports of these processes: proc(5), /proc/net and the sockets among their files. */
function portsOf(pids: readonly number[]): string[] {
  const inodes = new Set(pids.flatMap(socketsOf));
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(
        ([, , , state, , , , , , inode = '']) =>
          inodes.has(inode) && (table.startsWith('udp') || state === '0A'),
      )
      .map(([, local = '']) => `${table} ${Number.parseInt(local.split(':')[1] ?? '', 16)}`),
  );
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${name}`))?.[1];
      return inode === undefined ? [] : [inode];
    });
  } catch {
    return []; // It ended while we looked.
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
