import { spawn } from 'node:child_process';
import path from 'node:path';
import { ensure, nodeBinary } from './ensure.mjs';

process.stderr.write('Medusa: set-up\n');
const environment = ensure();
const child = spawn(nodeBinary, [path.join(import.meta.dirname, 'main.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: environment,
});
// Ctrl+C reaches the whole group by itself; a signal sent to this process alone is passed on.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
process.on('SIGINT', () => undefined);
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
