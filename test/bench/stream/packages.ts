import { execFileSync, spawnSync } from 'node:child_process';
import { progress } from '../report.ts';

/** Installs what is missing of these Debian packages when it may; else says what to install. */
export function ensureDebianPackages(names: readonly string[]): void {
  const missing = names.filter((name) => {
    const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], {
      encoding: 'utf8',
    });
    return stdout !== 'installed';
  });
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) throw new Error(`Missing: apt-get install ${missing.join(' ')}`);
  progress(`installing ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 2, 2], env });
  execFileSync('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...missing], {
    stdio: ['ignore', 2, 2],
    env,
  });
}
