import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '../../support/wait.ts';
import { requirePackages, startPeer, type Peer } from '../support/peer.ts';

const run = promisify(execFile);

/** What is missing to run Swift here. Where SWIFT_ROOT names unpacked packages nothing is installed. */
export function missingForSwift(): string | undefined {
  if (process.env['SWIFT_ROOT'] !== undefined) return undefined;
  return requirePackages('swift-proxy', 'swift-account', 'swift-container', 'swift-object', 'memcached');
}

/** A proxy and some storage servers, three copies of everything. */
export interface SwiftCluster extends AsyncDisposable {
  readonly url: string;
  readonly user: string;
  readonly key: string;
  /** One of the storage servers, with all that it does; by no signal that it could answer to. */
  killNode(number: 1 | 2 | 3): void;
  /** Resolves when it is gone. */
  killProxy(): Promise<void>;
  /** Starts what does not run. */
  revive(): Promise<void>;
}

export async function startSwift(nodes: 3 | 4): Promise<SwiftCluster> {
  const size = ['--nodes', String(nodes)];
  const peer: Peer = await startPeer('swift', size);
  const kill = (name: string): number => {
    const pid = Number(readFileSync(path.join(peer.base, 'run', `${name}.pid`), 'utf8'));
    // Each is the first of a process group of its own.
    process.kill(-pid, 'SIGKILL');
    return pid;
  };
  return {
    url: peer.exports['SWIFT_URL'] ?? '',
    user: peer.exports['SWIFT_USER'] ?? '',
    key: peer.exports['SWIFT_KEY'] ?? '',
    killNode(number) {
      for (const kind of ['object', 'container', 'account']) kill(`${kind}-${number}`);
    },
    async killProxy() {
      const pid = kill('proxy');
      await waitFor('the end of the proxy', () => (existsSync(`/proc/${pid}`) ? undefined : true));
    },
    async revive() {
      await run('bash', [
        path.join(import.meta.dirname, 'up.sh'),
        '--base',
        peer.base,
        '--free-ports',
        ...size,
      ]);
    },
    [Symbol.asyncDispose]: async () => peer[Symbol.asyncDispose](),
  };
}
