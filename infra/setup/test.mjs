import { spawnSync } from 'node:child_process';
import { ensure, root } from './ensure.mjs';

process.stderr.write('Medusa: set-up for the tests\n');
const env = ensure({ forTests: true });
const extra = process.argv.slice(2);
const suites = [
  ['vitest', ['run', ...extra]],
  ['playwright', ['test', '--config', 'test/playwright.config.ts']],
];
let failures = 0;
for (const [command, args] of extra.length > 0 ? suites.slice(0, 1) : suites) {
  const result = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });
  if (result.status !== 0) failures += 1;
}
process.exit(failures === 0 ? 0 : 1);
