import { spawnSync } from 'node:child_process';
import { ensure, root } from './ensure.mjs';

const env = ensure({ withClient: false });
const checks = ['typecheck', 'lint', 'layers', 'dead', 'format:check'];
const failed = checks.filter((name) => {
  process.stderr.write(`check: ${name}\n`);
  return spawnSync('npm', ['run', '-s', name], { cwd: root, env, stdio: 'inherit' }).status !== 0;
});
process.stderr.write(failed.length === 0 ? 'check: clean\n' : `check: failed: ${failed.join(', ')}\n`);
process.exit(failed.length === 0 ? 0 : 1);
