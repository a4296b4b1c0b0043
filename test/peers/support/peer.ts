import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const bufferBytes = 64 * 1024 * 1024;

/** A real server for tests. Disposing ends it and removes its folder. */
export type Peer = AsyncDisposable & {
  readonly base: string;
  /** What its start script exported. */
  readonly exports: Readonly<Record<string, string>>;
};

/** Packages the peers need, installed when root; otherwise told. */
export function requirePackages(...names: string[]): string | undefined {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return undefined;
  if (process.getuid?.() !== 0) return `apt-get install ${missing.join(' ')}`;
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
  const options = ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=900'];
  // policy-rc.d (exit 101): Debian must not start any of these as a system service.
  execFileSync('sh', [
    '-c',
    `[ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; }`,
  ]);
  execFileSync('apt-get', ['install', ...options, ...missing], {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return undefined;
}

function isInstalled(name: string): boolean {
  try {
    return execFileSync('dpkg-query', ['-W', '-f', '${Status}', name], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .includes('install ok installed');
  } catch {
    return false;
  }
}

/**
 * Runs `test/peers/<name>/up.sh --base <folder> --free-ports …`; its last lines are `export NAME=value …`.
 * `down.sh --base <folder>` ends what `up.sh` started, by the pid files in the folder.
 */
export async function startPeer(name: string, args: readonly string[] = []): Promise<Peer> {
  const folder = path.join(import.meta.dirname, '..', name);
  const base = mkdtempSync(path.join(tmpdir(), `medusa-${name}-`));
  const down = async (): Promise<void> => {
    await run('bash', [path.join(folder, 'down.sh'), '--base', base], { maxBuffer: bufferBytes });
    rmSync(base, { recursive: true, force: true });
  };
  try {
    const { stdout } = await run(
      'bash',
      [path.join(folder, 'up.sh'), '--base', base, '--free-ports', ...args],
      {
        maxBuffer: bufferBytes,
        env: process.env,
      },
    );
    return { base, exports: readExports(stdout), [Symbol.asyncDispose]: down };
  } catch (error) {
    await down().catch(() => undefined);
    throw error;
  }
}

function readExports(stdout: string): Record<string, string> {
  const words = stdout
    .split('\n')
    .filter((line) => line.startsWith('export '))
    .flatMap((line) => [
      ...line.slice('export '.length).matchAll(/([A-Za-z_][A-Za-z0-9_]*)=("([^"]*)"|'([^']*)'|(\S*))/g),
    ]);
  return Object.fromEntries(words.map((match) => [match[1] ?? '', match[3] ?? match[4] ?? match[5] ?? '']));
}
