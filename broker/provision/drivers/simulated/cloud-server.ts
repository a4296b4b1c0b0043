import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startSimulatedCloud } from './simulated-cloud.ts';
import { cloudSettingsSchema } from './cloud-settings.ts';

/**
 * A cloud for trying pools and policies without one: `node cloud-server.ts --port 8488 [--settings FILE.json]`.
 * It prints its address, and ends with SIGTERM or SIGINT.
 */
const { values } = parseArgs({
  options: { port: { type: 'string', default: '8488' }, settings: { type: 'string' } },
});
const settings: unknown =
  values.settings === undefined ? {} : JSON.parse(await readFile(values.settings, 'utf8'));
const cloud = await startSimulatedCloud(cloudSettingsSchema.parse(settings), { port: Number(values.port) });
process.stdout.write(`${cloud.url}\n`);
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => void cloud[Symbol.asyncDispose]());
