import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '../../../support/wait.ts';
import { startChild } from '../children.ts';
import type { LinkName } from '../relay/links.ts';
import { type RelayReport, relayReportSchema, type RelayRequest } from '../relay/request.ts';

const execute = promisify(execFile);

/** The viewer's side of the wire: a network namespace in which the browser runs, and a cable from there to the servers. */
export type ViewerNetwork = AsyncDisposable & {
  /** Where servers listen for the viewer. */
  readonly serverAddress: string;
  readonly namespace: string;
  /** A program that becomes Chromium inside of the namespace. */
  readonly chromium: string;
  /** An emulated link becomes another one; a cable stays what it is. */
  changeTo(link: LinkName): void;
  /** Bytes on the wire so far, with all headers from IP on. */
  bytes(): Promise<{ readonly toViewer: number; readonly fromViewer: number }>;
  /** Ends an emulated link and tells what became of the packets; null: a cable loses none. */
  packets(): Promise<RelayReport | null>;
};

/** Of this process and this turn: names of interfaces have 15 characters at most. */
let turn = 0;

/** @param beside another viewer's network whose servers this one is to reach too, by a wire of its own. */
export async function openViewerNetwork(
  link: LinkName,
  seed: number,
  beside?: Pick<ViewerNetwork, 'serverAddress'>,
): Promise<ViewerNetwork> {
  await using starting = new AsyncDisposableStack();
  turn += 1;
  const name = `mb${process.pid}-${turn}`;
  const wire = {
    serverEnd: `${name}s`,
    viewerEnd: `${name}v`,
    namespace: `medusa-bench-${process.pid}-${turn}`,
  };
  await ip(['netns', 'add', wire.namespace]);
  starting.defer(async () => ip(['netns', 'delete', wire.namespace]));
  await ip(['-n', wire.namespace, 'link', 'set', 'lo', 'up']);
  const relay = link === 'cable' ? null : starting.use(await startRelay(wire, { link, seed }));
  if (!relay) {
    await ip(['link', 'add', wire.serverEnd, 'type', 'veth', 'peer', 'name', wire.viewerEnd]);
    starting.defer(async () => ip(['link', 'delete', wire.serverEnd]));
  }
  await ip(['link', 'set', wire.viewerEnd, 'netns', wire.namespace]);
  const [serverAddress, viewerAddress] = addressesOf(beside ? turn % 64 : 0);
  await ip(['address', 'add', `${serverAddress}/30`, 'dev', wire.serverEnd]);
  await ip(['link', 'set', wire.serverEnd, 'up']);
  await ip(['-n', wire.namespace, 'address', 'add', `${viewerAddress}/30`, 'dev', wire.viewerEnd]);
  await ip(['-n', wire.namespace, 'link', 'set', wire.viewerEnd, 'up']);
  if (beside) await ip(['-n', wire.namespace, 'route', 'add', beside.serverAddress, 'via', serverAddress]);
  const chromium = starting.use(await writeLauncher(wire.namespace));
  const running = starting.move();
  return {
    serverAddress: beside?.serverAddress ?? serverAddress,
    namespace: wire.namespace,
    chromium: chromium.file,
    changeTo: (other) => relay?.changeTo(other),
    bytes: async () => countBytes(wire.serverEnd),
    packets: async () => relay?.report() ?? null,
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

type Wire = { readonly serverEnd: string; readonly viewerEnd: string; readonly namespace: string };
type Relay = AsyncDisposable & { changeTo(link: LinkName): void; report(): Promise<RelayReport> };

async function startRelay(
  { serverEnd, viewerEnd }: Wire,
  { link, seed }: Pick<RelayRequest, 'link' | 'seed'>,
): Promise<Relay> {
  const request: RelayRequest = { link, seed, serverDevice: serverEnd, viewerDevice: viewerEnd };
  const program = path.resolve(import.meta.dirname, '../relay/main.ts');
  const child = await startChild([process.execPath, program, JSON.stringify(request)]);
  await using starting = new AsyncDisposableStack();
  starting.use(child);
  await waitFor('the devices of the link', () => {
    if (child.process.exitCode !== null) throw new Error(`The link ended: ${child.output()}`);
    return [serverEnd, viewerEnd].every((name) => existsSync(`/sys/class/net/${name}`)) ? true : undefined;
  });
  const running = starting.move();
  return {
    changeTo: (other) => void child.process.stdin?.write(`${other}\n`),
    async report() {
      await child[Symbol.asyncDispose]();
      return relayReportSchema.parse(JSON.parse(child.output()));
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

/** RFC 2544's range for benchmarks: nobody else's. By process, so that what a killed one left is in nobody's way. */
function addressesOf(wire: number): [server: string, viewer: string] {
  const net = `198.18.${process.pid % 256}`;
  return [`${net}.${wire * 4 + 1}`, `${net}.${wire * 4 + 2}`];
}

async function writeLauncher(namespace: string): Promise<AsyncDisposable & { readonly file: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-bench-viewer-'));
  const file = path.join(folder, 'chromium');
  const text = `#!/bin/sh\nexec nsenter --net=/run/netns/${namespace} /usr/bin/chromium "$@"\n`;
  await writeFile(file, text, { mode: 0o755 });
  return { file, [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }) };
}

async function countBytes(device: string): Promise<{ toViewer: number; fromViewer: number }> {
  const read = async (counter: string): Promise<number> =>
    Number(await readFile(`/sys/class/net/${device}/statistics/${counter}`, 'utf8'));
  return { toViewer: await read('tx_bytes'), fromViewer: await read('rx_bytes') };
}

async function ip(args: readonly string[]): Promise<void> {
  await execute('ip', [...args]);
}
