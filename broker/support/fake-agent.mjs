// Stands in for a render node's agent: runs until it is told to end, and may be told not to listen.
import { setInterval } from 'node:timers';
import { writeFileSync } from 'node:fs';

if (process.argv.includes('--deaf')) process.on('SIGTERM', () => undefined);
else process.on('SIGTERM', () => process.exit(0));
writeFileSync('ready', '');
setInterval(() => undefined, 60_000);
