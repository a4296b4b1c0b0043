import childProcess from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { readSync, writeSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/**
 * The engine of a broker, to be killed. Each time it is about to ask the provider something, and each time it has its answer, it tells
 * so on descriptor 3 and stands still until it is allowed to go on: that is where the parent may kill it.
 */
const gate = 3;
const reply = Buffer.alloc(1);

function stand(step: string): void {
  writeSync(gate, `${step}\n`);
  readSync(gate, reply, 0, 1, null);
}

// A provider reached by HTTP: before the request is sent, and when its answer has come.
subscribe('undici:request:create', () => stand('call'));
subscribe('undici:request:headers', () => stand('answer'));

// The provider that is this computer: each file it touches, each process it starts.
const watched = [
  'open',
  'mkdir',
  'writeFile',
  'rename',
  'rm',
  'readFile',
  'readdir',
  'link',
  'unlink',
] as const;
const folder = z.string().parse(process.env['MEDUSA_BENCH_DIR']);
for (const name of watched) {
  const original = fs[name] as (...args: unknown[]) => Promise<unknown>;
  Object.assign(fs, {
    [name]: async (...args: unknown[]) => {
      if (!String(args[0]).startsWith(folder)) return original(...args);
      stand(name);
      const value = await original(...args);
      stand(`${name} done`);
      return value;
    },
  });
}
const { spawn } = childProcess;
Object.assign(childProcess, {
  spawn: (...args: unknown[]) => {
    stand('spawn');
    const child: unknown = Reflect.apply(spawn, childProcess, args);
    stand('spawn done');
    return child;
  },
});
syncBuiltinESMExports();

const { definitionOf, startEngine } = await import('@medusa/broker/support/engine');
const { openProvider, providerSchema } = await import('./open-provider.ts');

const orderSchema = z.object({
  databaseUrl: z.string(),
  provider: providerSchema,
  rollCallMs: z.number(),
  cap: z.number(),
});

process.stdout.write('loaded\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { databaseUrl, provider, rollCallMs, cap } = orderSchema.parse(JSON.parse(line));
  await startEngine(databaseUrl, {
    definitions: definitionOf(provider.kind, async () => openProvider(provider)),
    dataDir: provider.dataDir,
    rollCallMsOf: () => rollCallMs,
    sweep: { horizonMs: 120_000, cap, isDryRun: false },
    report: (error) => process.stderr.write(`${String(error)}\n`),
  });
  process.stdout.write('started\n');
}
