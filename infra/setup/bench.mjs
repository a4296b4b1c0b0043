import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ensure, nodeBinary, root } from './ensure.mjs';

const folder = path.join(root, 'test/bench');
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.slice(0, -'.bench.ts'.length));
const [name, ...rest] = process.argv.slice(2);
if (!name || !existsSync(path.join(folder, `${name}.bench.ts`))) {
  process.stderr.write(`usage: npm run -s bench -- NAME [options]; NAME is one of: ${names.join(', ')}\n`);
  process.exit(2);
}
const env = ensure({ forTests: true });
const result = spawnSync(nodeBinary, [path.join(folder, `${name}.bench.ts`), ...rest], {
  cwd: root,
  env,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
