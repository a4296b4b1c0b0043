import { spawnSync } from 'node:child_process';
import { ensure, root } from './ensure.mjs';

process.stderr.write('Medusa: tests against real peers (they install what they need; root is wanted)\n');
const env = ensure({ forTests: true });
const result = spawnSync(
  'vitest',
  ['run', '--config', 'test/peers/vitest.config.ts', ...process.argv.slice(2)],
  {
    cwd: root,
    env,
    stdio: 'inherit',
  },
);
process.exit(result.status ?? 1);
