import { spawn } from 'node:child_process';
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError, type GuestStart } from '../../port/index.ts';

/**
 * The seed of cloud-init: an ISO 9660 volume named `cidata` with `user-data` and `meta-data` (cloud-init documentation,
 * "NoCloud"), and `environment` beside them for guests without cloud-init. Gone when `use` has ended.
 */
export async function withSeed<T>(
  {
    name,
    guest,
    program,
    dataDir,
  }: { name: string; guest: GuestStart; program: readonly string[]; dataDir: string },
  signal: AbortSignal,
  use: (file: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(dataDir, 'seed-'));
  try {
    const files = {
      'user-data': guest.userData,
      'meta-data': JSON.stringify({ 'instance-id': name, 'local-hostname': name }),
      environment: Object.entries(guest.environment)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}\n`)
        .join(''),
    };
    for (const [file, content] of Object.entries(files))
      await writeFile(path.join(folder, file), content, { mode: 0o600 });
    const [command = '', ...args] = program;
    const iso = path.join(folder, 'seed.iso');
    const options = ['-quiet', '-joliet', '-rock', '-volid', 'cidata', '-output', iso];
    await run(
      command,
      [...args, ...options, ...Object.keys(files).map((file) => path.join(folder, file))],
      signal,
    );
    return await use(iso);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Copies a root file system with owners, links and devices. It is there as a whole or not at all. */
export async function copyRootfs(from: string, to: string, signal: AbortSignal): Promise<void> {
  if (await exists(to)) return;
  const part = `${to}.part`;
  await rm(part, { recursive: true, force: true });
  await run('cp', ['--archive', '--reflink=auto', '--', from, part], signal);
  await rename(part, to);
}

export async function removeRootfs(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function run(command: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const child = spawn(command, args, { stdio: 'ignore', signal });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject).once('close', resolve);
  const code = await promise.catch((cause: unknown) => {
    throw new ProviderError('transient', `${command} did not run`, { cause });
  });
  if (code !== 0) throw new ProviderError('transient', `${command} ended with ${code ?? 'a signal'}`);
}
