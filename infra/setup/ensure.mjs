// Runs on the machine's own Node (20 or later), before any dependency is there: plain JavaScript, only what Node brings.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureMediaWorker } from './media-worker.mjs';
import { packages } from './packages.mjs';
import { ensurePackages, fail, run, step } from './steps.mjs';

export const root = path.resolve(import.meta.dirname, '../..');
const binaries = path.join(root, 'node_modules/.bin');

/** The pinned Node that runs everything but this set-up. */
export const nodeBinary = path.join(binaries, 'node');

/**
 * Brings the checkout to where Medusa can run (and be tested, with `forTests`). Idempotent; seconds when all is there.
 * Answers the environment for the programs that follow.
 */
export function ensure({ forTests = false, withClient = true } = {}) {
  if (Number(process.versions.node.split('.')[0]) < 20)
    fail('Node 20 or later is needed to start', 'install it from Debian or nodejs.org');
  const release = holdLock();
  try {
    ensurePackages('System packages', [...packages.run, ...(forTests ? packages.test : [])]);
    ensureDependencies();
    const environment = {
      ...process.env,
      PATH: `${binaries}${path.delimiter}${process.env.PATH ?? ''}`,
      MEDIASOUP_WORKER_BIN: ensureMediaWorker(root),
    };
    if (withClient) ensureClient(environment);
    return environment;
  } finally {
    release();
  }
}

function ensureDependencies() {
  const stamp = path.join(root, 'node_modules/.medusa-lock-hash');
  const wanted = hashOf([path.join(root, 'package-lock.json')]);
  if (existsSync(nodeBinary) && readIfThere(stamp) === wanted) return step('npm dependencies', 'there');
  // Without an npm 11 the install scripts run anyway; with it only those that package.json approves.
  run('npm dependencies', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    env: {
      ...process.env,
      MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD: '1',
      MEDIASOUP_WORKER_BIN: 'set-up-later',
    },
    help: 'npm must reach its registry; behind a proxy set HTTPS_PROXY or npm config set registry',
  });
  if (!existsSync(nodeBinary)) {
    fail(
      'The pinned Node was not installed',
      'npm must be allowed to run the install script of the package "node"',
    );
  }
  writeFileSync(stamp, wanted);
}

function ensureClient(environment) {
  const stamp = path.join(root, 'client/dist/.source-hash');
  const sources = ['client', 'broker/protocol', 'broker/kernel'].flatMap((folder) =>
    filesBelow(path.join(root, folder)),
  );
  const wanted = hashOf([path.join(root, 'package-lock.json'), ...sources]);
  if (readIfThere(stamp) === wanted) return step('Browser client', 'there');
  run('Browser client', path.join(binaries, 'vite'), ['build', '--logLevel', 'error'], {
    cwd: path.join(root, 'client'),
    env: environment,
  });
  writeFileSync(stamp, wanted);
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(
      (entry) => !['dist', '.tsc', 'node_modules'].includes(entry.name) && !entry.name.endsWith('.test.ts'),
    )
    .flatMap((entry) =>
      entry.isDirectory() ? filesBelow(path.join(folder, entry.name)) : [path.join(folder, entry.name)],
    )
    .sort();
}

function hashOf(files) {
  // Not of the Node that runs this: the first time it is the machine's, from then on the pinned one.
  const hash = createHash('sha256');
  for (const file of files) hash.update(path.relative(root, file)).update(readFileSync(file));
  return hash.digest('hex');
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** Two instances may be started at the same moment: one sets up, the other waits. */
function holdLock() {
  const lock = path.join(root, '.medusa-setup.lock');
  const deadline = Date.now() + 30 * 60_000;
  for (;;) {
    try {
      mkdirSync(lock);
      writeFileSync(path.join(lock, 'pid'), String(process.pid));
      const release = () => rmSync(lock, { recursive: true, force: true });
      process.once('exit', release);
      return release;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = readIfThere(path.join(lock, 'pid'));
      const isStale = holder ? !existsSync(`/proc/${holder}`) : Date.now() - statSync(lock).mtimeMs > 10_000;
      if (isStale) rmSync(lock, { recursive: true, force: true });
      else if (Date.now() > deadline)
        fail('Another set-up has been running for 30 minutes', `remove ${lock} if it is not`);
      else spawnSync('sleep', ['0.5']);
    }
  }
}
