import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applicationSchema } from '@medusa/protocol';
import { FakeBroker } from './test-support/fake-broker.ts';
import { processesWith } from './test-support/processes.ts';

let cleanup: AsyncDisposableStack;
let broker: FakeBroker;
let folder: string;
/** Found again in the command line of the kiosk. */
const studyInstanceUID = `1.2.3.${process.pid}`;

beforeEach(async () => {
  cleanup = new AsyncDisposableStack();
  folder = await mkdtemp(path.join(tmpdir(), 'medusa-main-test-'));
  cleanup.defer(async () => rm(folder, { recursive: true }));
  await mkdir(path.join(folder, 'client', 'workstation'), { recursive: true });
  await writeFile(path.join(folder, 'client', 'workstation', 'index.html'), '<title>page</title>');
  broker = cleanup.use(await FakeBroker.start());
});
afterEach(async () => cleanup.disposeAsync());

/** The agent as the provider starts it: a process of its own. */
async function startAgent(): Promise<{ agent: ChildProcess; runFolder: string }> {
  const registered = broker.registrations.length;
  const agent = spawn(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url))], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      MEDUSA_BROKER_URL: broker.url,
      MEDUSA_NODE_ID: 'node-1',
      MEDUSA_NODE_TOKEN: 'node-token',
      MEDUSA_NODE_DIR: path.join(folder, 'node'),
      MEDUSA_RTC_ADDRESS: '127.0.0.1',
      MEDUSA_RTC_PORT: '0',
      MEDUSA_CLIENT_DIR: path.join(folder, 'client'),
      LOG_LEVEL: 'error',
    },
  });
  cleanup.defer(async () => {
    if (agent.exitCode !== null || agent.signalCode !== null) return;
    const exited = exitOf(agent);
    agent.kill('SIGTERM');
    await exited;
  });
  await expect.poll(() => broker.registrations.length, { timeout: 20_000 }).toBe(registered + 1);
  const { runFolder } = JSON.parse(await readFile(path.join(folder, 'node', 'agent.json'), 'utf8')) as {
    runFolder: string;
  };
  return { agent, runFolder };
}

async function startSession(): Promise<void> {
  const application = applicationSchema.parse({
    ...{ id: 'workstation', name: 'W', description: '', kind: 'workstation', studyAccess: 'dicomweb' },
    ...{ resources: { memoryMiB: 1_024, cpus: 1 }, modes: ['streamed'] },
  });
  const request = {
    ...{ sessionId: 'session-1', studyInstanceUID, application, studyToken: 'token' },
    ...{ dicomwebUrl: 'http://127.0.0.1:9/dicomweb', widthPx: 800, heightPx: 600 },
  };
  broker.node.emit(
    'session.start',
    request as Parameters<typeof broker.node.emit<'session.start'>>[1],
    () => undefined,
  );
  await expect
    .poll(() => broker.events.map(({ event }) => (event.kind === 'step' ? event.step : '')), {
      timeout: 20_000,
    })
    .toContain('encoder');
}

async function exitOf(agent: ChildProcess): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  agent.once('exit', resolve);
  return promise;
}

describe('the agent as a process', () => {
  it('leaves no process when it is killed, and its successor clears its files up', async () => {
    const { agent, runFolder } = await startAgent();
    await startSession();
    expect((await processesWith(runFolder)).length).toBeGreaterThan(0);
    const exited = exitOf(agent);

    agent.kill('SIGKILL');
    await exited;

    await expect.poll(async () => processesWith(runFolder), { timeout: 10_000 }).toEqual([]);
    await expect
      .poll(async () => processesWith(`study=${studyInstanceUID}`), { timeout: 10_000 })
      .toEqual([]);
    expect(existsSync(runFolder)).toBe(true);
    await startAgent();
    expect(existsSync(runFolder)).toBe(false);
  });

  it('closes its sessions, says so and leaves nothing when it is asked to stop', async () => {
    const { agent, runFolder } = await startAgent();
    await startSession();
    const exited = exitOf(agent);

    agent.kill('SIGTERM');

    expect(await exited).toBe(0);
    expect(broker.events.at(-1)?.event).toEqual({
      ...{ kind: 'failed', code: 'node.ending' },
      detail: 'The render node is shutting down',
    });
    expect(await processesWith(runFolder)).toEqual([]);
    expect([runFolder, path.join(folder, 'node', 'agent.json')].filter((file) => existsSync(file))).toEqual(
      [],
    );
  });
});
