import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applicationSchema, type ViewState } from '@medusa/protocol';
import { VirtualDisplay } from '../display/index.ts';
import { firstPart } from './study-files.ts';
import { studyTarget } from './gate.ts';
import {
  ConfinedApplication,
  createReadingMeter,
  Gate,
  probeConfinement,
  saveStudyFiles,
  UserLease,
} from './index.ts';
import { processesWith } from '../test-support/processes.ts';

const studyInstanceUID = '1.2.3';
const report = (error: unknown): void => {
  throw error as Error;
};
const meter = createReadingMeter(() => undefined, performance.now.bind(performance));
let cleanup: AsyncDisposableStack;
let folder: string;
let resuming: ViewState | undefined;

beforeEach(async () => {
  resuming = undefined;
  cleanup = new AsyncDisposableStack();
  folder = await mkdtemp(path.join(tmpdir(), 'medusa-application-'));
  cleanup.defer(async () => rm(folder, { recursive: true }));
  await chmod(folder, 0o711);
});
afterEach(async () => cleanup.disposeAsync());

/** A storage node of a few lines: answers what it was asked for, and with which token. */
async function startStorage(): Promise<{ dicomwebUrl: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.headers.authorization ?? ''} ${incoming.url ?? ''}`);
    if (incoming.url?.endsWith('/metadata')) {
      const instance = (number: number, hasPixels: boolean): object => ({
        '0020000E': { Value: ['1.2.3.4'] },
        '00080018': { Value: [`1.2.3.4.${number}`] },
        '00200013': { Value: [number] },
        ...(hasPixels && { '00280010': { Value: [512] } }),
      });
      response.end(JSON.stringify([instance(2, true), instance(1, false)]));
      return;
    }
    response.setHeader('content-type', 'multipart/related; type="application/dicom"; boundary=xyz');
    response.end(`--xyz\r\nContent-Type: application/dicom\r\n\r\n${incoming.url ?? ''}\r\n--xyz--\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.defer(() => void server.close());
  return { dicomwebUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/dicomweb`, asked };
}

async function openGate(
  dicomwebUrl: string,
  uid: number | null = null,
): Promise<{ gate: Gate; socketFile: string }> {
  const clientFolder = path.join(folder, 'client');
  await mkdir(path.join(clientFolder, 'workstation'), { recursive: true });
  await writeFile(path.join(clientFolder, 'workstation', 'index.html'), '<title>page</title>');
  await writeFile(path.join(clientFolder, 'secret.txt'), 'secret');
  const socketFile = path.join(folder, 'gate.sock');
  const study = { studyInstanceUID, dicomwebUrl, studyToken: () => 'token-of-the-study', meter };
  return {
    gate: cleanup.use(
      await Gate.create({ socketFile, uid, clientFolder, study, viewToResume: () => resuming, report }),
    ),
    socketFile,
  };
}

async function ask(
  socketPath: string,
  url: string,
  body?: string,
): Promise<{ status: number | undefined; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; text: string }>();
  const asking = request({ socketPath, path: url, method: body === undefined ? 'GET' : 'POST' }, (answer) => {
    let text = '';
    answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
    answer.on('end', () => resolve({ status: answer.statusCode, text }));
  });
  asking.on('error', reject).end(body);
  return promise;
}

describe('Gate', () => {
  it('serves the page and nothing beside it', async () => {
    const { socketFile } = await openGate('http://127.0.0.1:9/dicomweb');
    expect(await ask(socketFile, '/workstation/')).toEqual({ status: 200, text: '<title>page</title>' });
    for (const path of ['/secret.txt', '/workstation/../secret.txt', '/workstation/%2e%2e/secret.txt', '/'])
      expect(await ask(socketFile, path)).toEqual({ status: 404, text: '' });
  });

  it('fetches its own study with the token, and no other', async () => {
    const storage = await startStorage();
    const { socketFile } = await openGate(storage.dicomwebUrl);

    await ask(socketFile, '/dicomweb/studies/1.2.3/series?limit=5');
    await ask(socketFile, '/dicomweb/studies?StudyInstanceUID=9.9');
    const refused = await Promise.all(
      [
        '/dicomweb/studies/9.9/series',
        '/dicomweb/studies/1.2.3/%2e%2e/9.9',
        '/dicomweb/series',
        '/dicomweb/studies/1.2.34',
      ].map(async (path) => ask(socketFile, path)),
    );

    expect(storage.asked).toEqual([
      'Bearer token-of-the-study /dicomweb/studies/1.2.3/series?limit=5',
      'Bearer token-of-the-study /dicomweb/studies?StudyInstanceUID=1.2.3',
    ]);
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    expect((await ask(socketFile, '/dicomweb/studies/1.2.3', 'body')).status).toBe(405);
  });

  it('takes a view state that fits the schema', async () => {
    const { gate, socketFile } = await openGate('http://127.0.0.1:9/dicomweb');
    const views: ViewState[] = [];
    gate.events.on('view', (view) => views.push(view));
    const view = {
      ...{ revision: 1, studyInstanceUID, layout: 'stack', tool: 'window', rendering: 'cpu' },
      ...{ activeViewportId: 'a', ready: true, viewports: [], measurements: [] },
    };

    expect((await ask(socketFile, '/view-state', JSON.stringify(view))).status).toBe(204);
    expect((await ask(socketFile, '/view-state', '{"revision":-1}')).status).toBe(422);
    expect((await ask(socketFile, '/view-state', 'x'.repeat(1_100_000))).status).toBe(413);
    expect(views).toEqual([view]);
  });

  it('gives a page whose place was lost what it showed, and a new one nothing', async () => {
    const { socketFile } = await openGate('http://127.0.0.1:9/dicomweb');
    expect((await ask(socketFile, '/view-state')).status).toBe(204);

    resuming = {
      ...{ revision: 4, studyInstanceUID, layout: 'stack', tool: 'pan', rendering: 'cpu' },
      ...{ activeViewportId: 'a', ready: true, viewports: [], measurements: [] },
    };

    expect(JSON.parse((await ask(socketFile, '/view-state')).text)).toEqual(resuming);
  });
});

describe('studyTarget', () => {
  it('keeps path and query of the study', () => {
    const study = { studyInstanceUID, dicomwebUrl: 'https://s/dicomweb' };
    const target = studyTarget(
      new URL('http://gate/dicomweb/studies/1.2.3/series/4/instances/5/frames/1,2?a=b'),
      study,
    );
    expect(target?.href).toBe('https://s/dicomweb/studies/1.2.3/series/4/instances/5/frames/1,2?a=b');
  });
});

describe('saveStudyFiles', () => {
  it('names the files in the order of the study and finds the first image', async () => {
    const { dicomwebUrl } = await startStorage();
    const place = { folder: path.join(folder, 'study'), uid: null };
    const study = { studyInstanceUID, dicomwebUrl, studyToken: () => 'token', meter };

    const first = await saveStudyFiles(study, place, AbortSignal.timeout(5_000));

    expect(first).toBe('000002.dcm');
    expect(await readFile(path.join(place.folder, first), 'utf8')).toBe(
      '/dicomweb/studies/1.2.3/series/1.2.3.4/instances/1.2.3.4.2',
    );
    expect(await readdir(place.folder)).toEqual(['000001.dcm', '000002.dcm']);
  });

  it('reads the body of a part whatever bytes it has', () => {
    const body = Buffer.from('--b\r\nA: b\r\n\r\n\0--x\r\n\r\n\r\n--b--');
    expect(firstPart(body, 'b')?.toString()).toBe('\0--x\r\n\r\n');
    expect(firstPart(Buffer.from('nothing'), 'b')).toBeUndefined();
  });
});

describe('UserLease', () => {
  it('never lends one id twice at a time, and lends it again afterwards', async () => {
    await using first = await UserLease.acquire();
    const second = await UserLease.acquire();
    expect(second.uid).not.toBe(first.uid);
    await second[Symbol.asyncDispose]();
    await using third = await UserLease.acquire();
    expect(third.uid).toBe(second.uid);
  });
});

describe('ConfinedApplication', () => {
  /** Runs a shell script in the sandbox and answers its exit code, its output and what it wrote to its home. */
  async function runConfined(script: string): Promise<{ output: string; result: string }> {
    const confinement = await probeConfinement();
    const lease = confinement.hasOwnUsers ? cleanup.use(await UserLease.acquire()) : null;
    const uid = lease?.uid ?? null;
    if (uid !== null) await chown(folder, uid, uid);
    const { socketFile } = await openGate('http://127.0.0.1:9/dicomweb', uid);
    const options = { size: { widthPx: 640, heightPx: 480 }, folder, uid, report };
    const display = cleanup.use(await VirtualDisplay.create(options, AbortSignal.timeout(20_000)));
    const application = applicationSchema.parse({
      ...{
        id: 'probe',
        name: 'Probe',
        description: '',
        kind: 'x11',
        studyAccess: 'dicomweb',
        modes: ['streamed'],
      },
      command: ['/bin/sh', '-c', `(${script}) > result 2>&1`],
      resources: { memoryMiB: 512, cpus: 1 },
    });
    const running = await ConfinedApplication.start({
      ...{ application, studyInstanceUID, display, confinement, uid, folder, files: null, report },
      controlGroup: path.basename(folder),
      ...{ gateSocketFile: socketFile, chromium: '/usr/bin/chromium', rendering: 'cpu', hasGpu: false },
    });
    cleanup.use(running);
    const { promise, resolve } = Promise.withResolvers<string>();
    running.events.on('ended', (code, output) => resolve(`${code} ${output}`));
    const output = await promise;
    return { output, result: await readFile(path.join(folder, 'home', 'result'), 'utf8').catch(() => '') };
  }

  it('finds the window manager there from its first request on', async () => {
    const { result } = await runConfined('xprop -root _NET_SUPPORTING_WM_CHECK');
    expect(result).toMatch(/window id # 0x[1-9a-f]/);
  });

  it('reaches no network, no other files and no other processes', async () => {
    const server = createServer((_, response) => response.end('outside'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanup.defer(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const fetchCode = `fetch('http://127.0.0.1:${port}').then(() => console.log('reached'), () => console.log('unreachable'))`;
    const pageCode =
      "fetch('http://127.0.0.1:8080/workstation/').then(async (a) => console.log(await a.text()))";

    const { output, result } = await runConfined(
      [
        `/medusa/node -e "${fetchCode}"`,
        `/medusa/node -e "${pageCode}"`,
        'ls -d /work /root /var/lib /etc/shadow /home/*',
        'touch /usr/x',
        'touch /etc/x',
        'ls /proc | grep -c "^[0-9]"',
        'grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status',
      ].join('; '),
    );

    expect(output).toBe('0 ');
    const lines = result.split('\n');
    expect(lines[0]).toBe('unreachable');
    expect(lines[1]).toBe('<title>page</title>');
    expect(result).toContain('/home/medusa');
    expect(result).not.toMatch(/^\/(work|root|var\/lib|etc\/shadow)$/m);
    expect(result).toMatch(/touch: .*\/usr\/x/);
    expect(result).toMatch(/touch: .*\/etc\/x/);
    expect(result).toMatch(/CapEff:\t0+\n/);
    expect(result).toMatch(/NoNewPrivs:\t1/);
    expect(Number(lines.find((line) => /^\d+$/.test(line)))).toBeLessThan(15);
  });

  it('may use its own display', async () => {
    const { result } = await runConfined('xwininfo -root');
    expect(result).toContain('Width: 640');
  });

  it('is ended with everything that it started', async () => {
    const marker = `${process.pid}000.25`;
    const running = runConfined(`sleep ${marker} & exec sleep ${marker}`).catch(() => undefined);
    await expect
      .poll(async () => processesWith(marker), { timeout: 10_000 })
      .toContainEqual(`sleep\0${marker}\0`);

    await cleanup.disposeAsync();

    expect(await processesWith(marker)).toEqual([]);
    void running;
  });
});
