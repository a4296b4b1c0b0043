import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build } from 'vite';
import {
  applicationSchema,
  type DisplayEvent,
  type InputEvent,
  type NodeSessionEvent,
  participantIdSchema,
  sessionIdSchema,
  type StreamRequest,
} from '@medusa/protocol';
import { type RenderNode, startRenderNode } from './app.ts';
import { parseConfig } from './config.ts';
import { FakeBroker } from './test-support/fake-broker.ts';
import { pidsWith, processesWith } from './test-support/processes.ts';

const chromiumPath = '/usr/bin/chromium';
const sessionId = sessionIdSchema.parse('session-1');
const participantId = participantIdSchema.parse('participant-1');
/** Found again in the command line of the kiosk. */
const studyInstanceUID = `1.2.3.${process.pid}`;
/** A workstation of a few lines: gray, green after a click; it tells its state as the real one does. */
const workstationPage = `<!doctype html><body style="margin:0;background:#404040"><script>
let revision = 0;
const tell = () => fetch('/view-state', { method: 'POST', body: JSON.stringify({
  revision: revision++, studyInstanceUID: '${studyInstanceUID}', layout: 'stack', tool: 'w', rendering: 'cpu',
  activeViewportId: 'a', ready: true, viewports: [], measurements: [] }) });
addEventListener('mousedown', () => { document.body.style.background = '#00c800'; tell(); });
requestAnimationFrame(tell);
</script></body>`;

const cleanup = new AsyncDisposableStack();
let broker: FakeBroker;
let node: RenderNode;
let nodeFolder: string;
let browser: Browser;
let viewerScript: string;

beforeAll(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-node-test-'));
  cleanup.defer(async () => rm(folder, { recursive: true }));
  await mkdir(path.join(folder, 'client', 'workstation'), { recursive: true });
  await writeFile(path.join(folder, 'client', 'workstation', 'index.html'), workstationPage);
  nodeFolder = path.join(folder, 'node');
  broker = cleanup.use(await FakeBroker.start());
  node = cleanup.use(await startRenderNode(config(folder), { log: pino({ level: 'silent' }) }));
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  cleanup.defer(async () => browser.close());
  viewerScript = await bundleViewer();
});
afterAll(async () => cleanup.disposeAsync());

function config(folder: string): ReturnType<typeof parseConfig> {
  return parseConfig({
    MEDUSA_BROKER_URL: broker.url,
    MEDUSA_NODE_ID: 'node-1',
    MEDUSA_NODE_TOKEN: 'node-token',
    MEDUSA_NODE_DIR: nodeFolder,
    MEDUSA_RTC_ADDRESS: '127.0.0.1',
    MEDUSA_RTC_PORT: '0',
    MEDUSA_SLOTS: '2',
    MEDUSA_CLIENT_DIR: path.join(folder, 'client'),
    MEDIASOUP_WORKER_BIN: process.env['MEDIASOUP_WORKER_BIN'],
  });
}

async function bundleViewer(): Promise<string> {
  const entry = fileURLToPath(new URL('test-support/viewer-page.ts', import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'medusaViewer' } },
  });
  const output = Array.isArray(built) ? built[0] : built;
  const chunk = output && 'output' in output ? output.output[0] : undefined;
  if (!chunk) throw new Error('the viewer page was not built');
  return chunk.code;
}

const workstation = applicationSchema.parse({
  ...{
    id: 'workstation',
    name: 'Workstation',
    description: '',
    kind: 'workstation',
    studyAccess: 'dicomweb',
  },
  ...{ resources: { memoryMiB: 2_048, cpus: 1 }, modes: ['streamed'] },
});

async function command(
  event: 'session.start' | 'session.stop' | 'session.set-controller',
  request: object,
): Promise<unknown> {
  return (
    broker.node.timeout(30_000) as unknown as { emitWithAck: (...given: unknown[]) => Promise<unknown> }
  ).emitWithAck(event, request);
}

function told(id: string): NodeSessionEvent['event'][] {
  return broker.events.filter((event) => event.sessionId === id).map(({ event }) => event);
}

async function startSession(id: string, changes: object = {}): Promise<unknown> {
  return command('session.start', {
    ...{
      sessionId: id,
      studyInstanceUID,
      application: workstation,
      dicomwebUrl: 'http://127.0.0.1:9/dicomweb',
    },
    ...{ studyToken: 'study-token', widthPx: 800, heightPx: 600, ...changes },
  });
}

async function openViewer(): Promise<Page> {
  const page = await browser.newPage();
  await page.exposeFunction('relay', async (request: StreamRequest) => {
    const ack = await broker.node
      .timeout(10_000)
      .emitWithAck('stream.request', { sessionId, participantId, request });
    if (!ack.ok) throw new Error(ack.problem.code);
    return ack.value;
  });
  await page.addScriptTag({ content: viewerScript });
  await page.evaluate(async () => window.viewer.start());
  return page;
}

const look = async (page: Page, x = 0.5, y = 0.5): Promise<{ size: [number, number]; rgb: number[] }> =>
  page.evaluate(([atX, atY]) => window.viewer.look(atX, atY), [x, y] as const);
const gray = [0x40, 0x40, 0x40] as const;
const green = [0x00, 0xc8, 0x00] as const;
/** How far a pixel of the viewer's picture is from a colour, in the worst of its three channels. */
async function errorOf(
  page: Page,
  rgb: readonly number[],
  at: readonly [number, number] = [0.5, 0.5],
): Promise<number> {
  const seen = (await look(page, ...at)).rgb;
  return Math.max(...rgb.map((value, channel) => Math.abs(value - (seen[channel] ?? Infinity))));
}
const displayEvents = async (page: Page): Promise<DisplayEvent[]> =>
  page.evaluate(() => window.viewer.events);
const send = async (page: Page, event: InputEvent): Promise<void> =>
  page.evaluate((given) => window.viewer.send(given), event);
const click = async (page: Page, sequence: number): Promise<void> => {
  for (const isDown of [true, false])
    await send(page, { kind: 'button', sequence, x: 400, y: 300, button: 1, isDown });
};

describe('a render node', () => {
  it('registers with what it can do, and beats', async () => {
    await expect.poll(() => broker.registrations.length).toBe(1);
    expect(broker.tokens).toEqual(['node-token']);
    expect(broker.registrations[0]).toMatchObject({
      nodeId: 'node-1',
      capabilities: { encoders: ['libx264'], slots: 2, applications: ['workstation'] },
      sessions: [],
    });
    await expect.poll(() => broker.heartbeats.length).toBeGreaterThan(0);
    expect(JSON.parse(await readFile(path.join(nodeFolder, 'agent.json'), 'utf8'))).toMatchObject({
      pid: process.pid,
    });
  });

  it('streams a workstation that answers to the controller alone, and leaves nothing when it is stopped', async () => {
    expect(await startSession(sessionId)).toEqual({ ok: true, value: null });
    expect(await startSession(sessionId)).toEqual({ ok: true, value: null });
    await expect.poll(() => told(sessionId), { timeout: 40_000 }).toContainEqual({ kind: 'streaming' });
    expect(told(sessionId).flatMap((event) => (event.kind === 'step' ? event.step : []))).toEqual([
      ...['display', 'study', 'application', 'encoder', 'first-frame'],
    ]);

    const page = await openViewer();
    await expect.poll(async () => look(page), { timeout: 15_000 }).toMatchObject({ size: [800, 600] });
    await expect.poll(async () => errorOf(page, gray), { timeout: 10_000 }).toBeLessThanOrEqual(1);
    for (const [x, y] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const)
      expect(await errorOf(page, gray, [x, y])).toBeLessThanOrEqual(1);
    await expect
      .poll(async () => (await displayEvents(page)).map(({ kind }) => kind), { timeout: 10_000 })
      .toEqual(expect.arrayContaining(['size', 'cursor', 'view', 'controller', 'statistics']));

    const statistics = async (): Promise<number> =>
      (await displayEvents(page)).filter(({ kind }) => kind === 'statistics').length;
    const before = await statistics();
    await click(page, 1);
    // Input and commands take different ways: two more tellings of the node, up to ten seconds apart, show that the click is in.
    await expect.poll(statistics, { timeout: 30_000 }).toBeGreaterThanOrEqual(before + 2);
    await command('session.set-controller', { sessionId, participantId });
    await click(page, 2);
    await expect.poll(async () => errorOf(page, green), { timeout: 10_000 }).toBeLessThanOrEqual(4);
    // The word of a frame goes another way than the frame.
    await expect
      .poll(async () => displayEvents(page), { timeout: 10_000 })
      .toContainEqual(expect.objectContaining({ kind: 'frame', participantId, inputSequence: 2 }));
    const events = await displayEvents(page);
    expect(events).not.toContainEqual(expect.objectContaining({ kind: 'frame', inputSequence: 1 }));
    expect(events.findLast((event) => event.kind === 'view')).toMatchObject({ view: { revision: 1 } });

    for (const [widthPx, heightPx] of [
      [1000, 700],
      [640, 480],
    ] as const) {
      await send(page, { kind: 'resize', sequence: 3, widthPx, heightPx, scalePercent: 100 });
      await expect
        .poll(async () => (await look(page)).size, { timeout: 15_000 })
        .toEqual([widthPx, heightPx]);
      await expect.poll(async () => errorOf(page, green, [1, 1]), { timeout: 10_000 }).toBeLessThanOrEqual(4);
    }
    expect(broker.heartbeats.at(-1)?.sessions).toMatchObject([
      { sessionId, state: 'streaming', participants: [participantId], controller: participantId },
    ]);

    await command('session.stop', { sessionId, reason: 'test is over' });
    expect(told(sessionId).at(-1)).toEqual({ kind: 'closed', reason: 'test is over' });
    const { runFolder } = JSON.parse(await readFile(path.join(nodeFolder, 'agent.json'), 'utf8')) as {
      runFolder: string;
    };
    expect(await readdir(runFolder)).toEqual([]);
    expect(await processesWith(runFolder)).toEqual([]);
    await page.close();
  });

  it('keeps a session through a break of the link, and tells what happened meanwhile', async () => {
    const id = 'session-2';
    await startSession(id);
    await expect.poll(() => told(id), { timeout: 40_000 }).toContainEqual({ kind: 'streaming' });
    const registered = broker.registrations.length;
    broker.isDeaf = true;
    void command('session.stop', { sessionId: id, reason: 'while deaf' }).catch(() => undefined);
    await expect
      .poll(() => broker.heartbeats.at(-1)?.sessions.map(({ sessionId }) => sessionId), { timeout: 20_000 })
      .not.toContain(id);

    broker.isDeaf = false;
    broker.dropNode();

    await expect.poll(() => broker.registrations.length, { timeout: 20_000 }).toBe(registered + 1);
    await expect
      .poll(() => told(id).at(-1), { timeout: 20_000 })
      .toEqual({ kind: 'closed', reason: 'while deaf' });
  });

  it('starts a crashed workstation again, once', async () => {
    const id = 'session-4';
    const browsers = async (): Promise<number[]> =>
      pidsWith(`--app=http://127.0.0.1:8080/workstation/?study=${studyInstanceUID}`, 'medusa/launcher');
    await startSession(id);
    await expect.poll(() => told(id), { timeout: 40_000 }).toContainEqual({ kind: 'streaming' });
    const [first = 0] = await browsers();

    process.kill(first, 'SIGKILL');
    await expect
      .poll(async () => (await browsers()).filter((pid) => pid !== first).length, { timeout: 20_000 })
      .toBe(1);
    expect(told(id).at(-1)).toEqual({ kind: 'streaming' });
    const [second = 0] = await browsers();
    process.kill(second, 'SIGKILL');

    await expect
      .poll(() => told(id).at(-1), { timeout: 20_000 })
      .toMatchObject({ kind: 'closed', reason: expect.stringContaining('ended') as string });
  });

  it('says why a session failed', async () => {
    const id = 'session-3';
    const application = { ...workstation, id: 'missing', kind: 'x11', command: ['/usr/bin/no-such-program'] };
    await startSession(id, { application });
    await expect
      .poll(() => told(id).at(-1), { timeout: 20_000 })
      .toMatchObject({ kind: 'failed', code: 'session.start-failed' });
    expect(await command('session.set-controller', { sessionId: id, participantId: null })).toMatchObject({
      ok: false,
      problem: { code: 'session.unknown' },
    });
  });

  it('leaves no file when it is closed', async () => {
    const agentFile = path.join(nodeFolder, 'agent.json');
    const { runFolder } = JSON.parse(await readFile(agentFile, 'utf8')) as { runFolder: string };

    await node[Symbol.asyncDispose]();

    expect([agentFile, runFolder].filter((file) => existsSync(file))).toEqual([]);
  });
});
