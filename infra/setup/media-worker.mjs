import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { arch, homedir } from 'node:os';
import path from 'node:path';
import { packages } from './packages.mjs';
import { ensurePackages, run, step } from './steps.mjs';

const what = 'Media worker';

/**
 * The path of a mediasoup worker that runs here: one given, one built before, upstream's prebuilt where it can be
 * downloaded, or one built from the npm package's own source with Debian's libraries (a few minutes, once a version).
 */
export function ensureMediaWorker(root) {
  const given = process.env.MEDIASOUP_WORKER_BIN;
  if (given && works(given)) {
    step(what, `given: ${given}`);
    return given;
  }
  const packageDir = path.join(root, 'node_modules/mediasoup');
  const { version } = JSON.parse(readFileSync(path.join(packageDir, 'package.json'), 'utf8'));
  const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'medusa');
  const built = path.join(cache, `mediasoup-worker-${version}-${arch()}`);
  const prebuilt = path.join(packageDir, 'worker/out/Release/mediasoup-worker');
  for (const candidate of [built, prebuilt]) {
    if (works(candidate)) {
      step(what, 'there');
      return candidate;
    }
  }
  if (download(root, packageDir) && works(prebuilt)) {
    step(what, 'downloaded');
    return prebuilt;
  }
  ensurePackages('Media worker libraries', packages.mediaWorker);
  mkdirSync(cache, { recursive: true });
  const part = `${built}.${process.pid}.part`;
  run(
    `${what} (minutes)`,
    'bash',
    [path.join(import.meta.dirname, 'media-worker/build.sh'), packageDir, part],
    {
      help: 'the build needs 1 GiB of free disk and the libraries named above',
    },
  );
  renameSync(part, built);
  return built;
}

/** Upstream's own download; its fall-back build is kept from starting by a Python that refuses. */
function download(root, packageDir) {
  const result = spawnSync(path.join(root, 'node_modules/.bin/node'), ['npm-scripts.mjs', 'postinstall'], {
    cwd: packageDir,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HTTPS_PROXY: process.env.HTTPS_PROXY,
      PYTHON: '/bin/false',
    },
    timeout: 120_000,
    stdio: 'ignore',
  });
  return result.status === 0;
}

/** Upstream's own check: without MEDIASOUP_VERSION a worker that loads and runs ends with 41. */
function works(binary) {
  if (!existsSync(binary)) return false;
  return spawnSync(binary, [], { env: {}, stdio: 'ignore', timeout: 10_000 }).status === 41;
}
