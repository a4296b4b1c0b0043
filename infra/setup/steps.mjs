import { spawnSync } from 'node:child_process';

/** Set-up speaks on standard error, so that a command's standard output stays its own. */
const say = (text) => process.stderr.write(`${text}\n`);

export function step(what, outcome) {
  say(`  ${what.padEnd(22)} ${outcome}`);
}

export function fail(what, help) {
  say(`\n  ${what}.`);
  if (help) say(`  How to mend it: ${help}.`);
  process.exit(1);
}

/** Runs a long step with its name and time; on failure its last lines and what to do. */
export function run(what, command, args, { help, ...options } = {}) {
  process.stderr.write(`  ${what.padEnd(22)} …`);
  const started = Date.now();
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  if (result.status !== 0) {
    say(' failed');
    say(excerpt(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? String(result.error) : ''}`));
    fail(
      `${what}: "${[command, ...args].join(' ').slice(0, 160)}" ended with ${result.status ?? result.signal ?? 'an error'}`,
      help,
    );
  }
  say(` done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return result.stdout;
}

/** The first lines name the fault, the last ones where it ended. */
function excerpt(output) {
  const lines = output.trimEnd().split('\n');
  return lines.length <= 30 ? lines.join('\n') : [...lines.slice(0, 15), '…', ...lines.slice(-14)].join('\n');
}

export function missingPackages(names) {
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names], {
    encoding: 'utf8',
  });
  if (query.error)
    fail('This set-up needs Debian (dpkg-query is missing)', 'see README.md for what to install by hand');
  const installed = new Set(
    query.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/** Installs what is missing, or, without root, says exactly what to install and ends. */
export function ensurePackages(what, names) {
  const missing = missingPackages(names);
  if (missing.length === 0) return step(what, 'there');
  if (process.getuid?.() !== 0) {
    fail(
      `Missing Debian packages: ${missing.join(' ')}`,
      `sudo apt-get install --no-install-recommends ${missing.join(' ')}`,
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('Package lists', 'apt-get', ['update', '-q'], {
    env,
    help: 'apt must reach its mirror; see /etc/apt/sources.list',
  });
  run(what, 'apt-get', ['install', '-q', '-y', '--no-install-recommends', ...missing], {
    env,
    help: `apt-get install ${missing.join(' ')} by hand shows why`,
  });
}
