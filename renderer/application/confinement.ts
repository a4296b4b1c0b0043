import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { AppError } from '@medusa/protocol';
import { findMemoryController, type MemoryController } from './memory-limit.ts';

/** What this node can hold applications in with. */
export type Confinement = {
  /** A user id of its own for each session; needs root. */
  readonly hasOwnUsers: boolean;
  readonly memory: MemoryController | undefined;
  /** Chromium's own sandbox works inside ours. */
  readonly hasBrowserSandbox: boolean;
  /** For the node's capabilities: nothing is claimed that was not tried. */
  readonly description: string;
};

/** Tries everything for real. @throws when applications cannot be confined at all: such a node must not run any. */
export async function probeConfinement(): Promise<Confinement> {
  const hasOwnUsers = process.getuid?.() === 0;
  const memory = hasOwnUsers ? await findMemoryController() : undefined;
  try {
    await runInSandbox(hasOwnUsers, ['/usr/bin/true']);
  } catch (cause) {
    throw new AppError('session.start-failed', 'bubblewrap does not work on this machine', { cause });
  }
  const hasBrowserSandbox = await runInSandbox(hasOwnUsers, [
    '/usr/bin/unshare',
    '--user',
    '/usr/bin/true',
  ]).then(
    () => true,
    () => false,
  );
  const description = [
    hasOwnUsers ? 'own user per session' : "the agent's user in a user namespace",
    'bubblewrap: own network, process and IPC namespaces, read-only system, no capabilities',
    memory ? 'memory limit by control group' : 'no memory limit',
    hasBrowserSandbox ? "Chromium's own sandbox on" : "Chromium's own sandbox off (no user namespaces)",
  ].join('; ');
  return { hasOwnUsers, memory, hasBrowserSandbox, description };
}

async function runInSandbox(hasOwnUsers: boolean, command: readonly string[]): Promise<void> {
  const user = hasOwnUsers
    ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--no-new-privs']
    : [];
  const capabilities = hasOwnUsers
    ? ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID']
    : ['--unshare-user'];
  const system = [
    '--ro-bind',
    '/usr',
    '/usr',
    '--symlink',
    'usr/lib',
    '/lib',
    '--symlink',
    'usr/lib64',
    '/lib64',
  ];
  const namespaces = ['--unshare-net', '--unshare-pid', '--unshare-ipc', '--proc', '/proc', '--dev', '/dev'];
  await promisify(execFile)('bwrap', [...namespaces, ...capabilities, ...system, '--', ...user, ...command], {
    timeout: 10_000,
  });
}
