import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { identifyProcess, isRunning, type ProcessIdentity } from '@medusa/broker/embedded';
import { readStackConfig } from './config.ts';
import { loadDemoStudy } from './demo-study.ts';
import { startStack, type Stack } from './stack.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { demo: { type: 'boolean', default: false } } });
  const config = readStackConfig(process.env);
  const pidFile = path.join(config.dataDir, 'run/supervisor.json');
  if (existsSync(pidFile)) {
    const other = JSON.parse(await readFile(pidFile, 'utf8')) as ProcessIdentity;
    if (await isRunning(other))
      throw new Error(`Medusa already runs on ${config.dataDir} (pid ${other.pid}); npm stop ends it`);
  }

  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (stopping.signal.aborted) return;
        stopping.abort();
        resolve();
      });
    }
  });

  // Written before anything is started, so that npm stop finds a start that hangs too.
  await mkdir(path.dirname(pidFile), { recursive: true, mode: 0o711 });
  await writeFile(pidFile, JSON.stringify(await identifyProcess(process.pid)));

  say('Medusa: starting');
  const startedAt = Date.now();
  const timeout = AbortSignal.any([stopping.signal, AbortSignal.timeout(120_000)]);
  const stack = await startStack(config, process.env, {
    report: (line) => say(`  ${line}`),
    signal: timeout,
  });
  if (values.demo) await loadDemoStudy(stack, (line) => say(`  ${line}`));
  say(banner(stack, Date.now() - startedAt));

  await stopped;
  say('Medusa: stopping');
  await stack.close();
  await rm(pidFile, { force: true });
  say('Medusa: stopped');
}

function banner({ config, secrets }: Stack, tookMs: number): string {
  const people = secrets.demoUsers.map(
    ({ username, password, role }) => `    ${username.padEnd(13)} ${password}   (${role})`,
  );
  const isOpen = !config.bind.startsWith('127.') && config.bind !== '::1';
  return [
    '',
    `  Medusa is ready (${(tookMs / 1000).toFixed(1)} s).`,
    '',
    `  Open          ${config.publicUrl}`,
    `  Trust         ${secrets.caFile}   (its own authority; import it into the browser)`,
    `  Demo users`,
    ...people,
    `  DICOM         ${config.aeTitle} at ${config.bind}:${config.dicomPort}   (C-ECHO, C-STORE)`,
    `  DICOM TLS     ${config.aeTitle} at ${config.bind}:${config.dicomTlsPort}   (certificates: page PACS)`,
    `  Listening on  ${config.bind}${isOpen ? '' : '   (this machine only; MEDUSA_BIND opens it, see README.md)'}`,
    `  Logs          ${path.join(config.dataDir, 'logs')}`,
    '',
    '  Ctrl+C or npm stop ends it.',
    '',
  ].join('\n');
}

try {
  await main();
} catch (error) {
  process.stderr.write(
    `\n  Medusa could not start: ${error instanceof Error ? error.message : String(error)}\n\n`,
  );
  process.exitCode = 1;
}
