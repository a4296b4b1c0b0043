/**
 * A link between two TUN devices, as a program of its own: whole IP packets go through, so that TCP, UDP and what WebRTC does over it
 * meet rate, queue, delay and loss with their own means. `socat` holds the devices. Whoever started it may write the name of another link, as
 * which it goes on. Ended by SIGTERM; tells last what it did.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { freePorts } from '@medusa/kernel/free-ports';
import { seeded } from '../random.ts';
import { createPacketCutter } from './ip-packets.ts';
import { createLine, type Line } from './link-model.ts';
import { emulatedLinkNames, links } from './links.ts';
import { relayRequestSchema, type RelayReport, type RelayRequest } from './request.ts';

type End = { readonly device: ChildProcessByStdio<null, Readable, null>; readonly port: number };
type Counts = { -readonly [Name in keyof RelayReport['toViewer']]: number };

const { link, seed, serverDevice, viewerDevice } = relayRequestSchema.parse(
  JSON.parse(process.argv[2] ?? ''),
);
const [serverPort = 0, viewerPort = 0, ownPort = 0] = await freePorts(3);
const server = openDevice(serverDevice, serverPort);
const viewer = openDevice(viewerDevice, viewerPort);
const socket = createSocket('udp4').bind(ownPort, '127.0.0.1');
// A direction's losses must not hang on how much goes the other way.
const linesOf = (name: RelayRequest['link']): { toViewer: Line; toServer: Line } => ({
  toViewer: createLine(links[name], seeded(seed)),
  toServer: createLine(links[name], seeded(seed + 1)),
});
let lines = linesOf(link);
const toViewer = carry(server, viewer, (...packet) => lines.toViewer(...packet));
const toServer = carry(viewer, server, (...packet) => lines.toServer(...packet));
createInterface(process.stdin).on('line', (told) => {
  const name = emulatedLinkNames.find((one) => one === told);
  if (name) lines = linesOf(name);
});

await Promise.race(['SIGTERM', 'SIGINT'].map(async (signal) => once(process, signal)));
const report: RelayReport = {
  toViewer: { ...toViewer, overrun: overrunOf(viewerPort) },
  toServer: { ...toServer, overrun: overrunOf(serverPort) },
};
const ended = [server, viewer].map(async ({ device }) => {
  device.off('exit', fail);
  device.kill('SIGTERM');
  await once(device, 'exit');
});
// Or they would stay as zombies where nobody cares for orphans.
await Promise.all(ended);
process.stdout.write(JSON.stringify(report), () => process.exit(0));

/**
 * What comes from the device is a stream of bytes, in which nothing gets lost when we are late: then the device's own queue fills. What
 * goes to it must keep its packets apart, so it goes as datagrams.
 */
function openDevice(name: string, port: number): End {
  // SO_RCVBUFFORCE of SOL_SOCKET, which root may: the usual buffer is full when socat waits 10 ms for its turn.
  const room = `setsockopt-int=1:33:${4 * 2 ** 20}`;
  const [datagrams, device] = [
    `UDP4:127.0.0.1:${ownPort},bind=127.0.0.1:${port},${room}`,
    `TUN,tun-name=${name},tun-type=tun,iff-no-pi`,
  ];
  const child = spawn('socat', ['-b', '65536', `${datagrams}!!STDOUT`, device], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.on('error', fail);
  child.on('exit', fail);
  return { device: child, port };
}

function fail(): never {
  process.exit(1);
}

function carry(from: End, to: End, line: Line): Counts {
  const counts: Counts = { carried: 0, lost: 0, noRoom: 0, overrun: 0 };
  const cut = createPacketCutter();
  const underWay: { readonly atMs: number; readonly packet: Buffer }[] = [];
  let timer: NodeJS.Timeout | undefined;
  const deliver = (): void => {
    timer = undefined;
    const now = performance.now();
    for (let next = underWay[0]; next && next.atMs <= now; next = underWay[0]) {
      underWay.shift();
      counts.carried += 1;
      send(socket, next.packet, to.port);
    }
    const [next] = underWay;
    // Timers go by the millisecond: a packet may be that much late, and never early.
    if (next) timer = setTimeout(deliver, Math.ceil(next.atMs - now));
  };
  from.device.stdout.on('data', (chunk: Buffer) => {
    const now = performance.now();
    for (const packet of cut(chunk)) {
      const fate = line(packet.length, now);
      if (fate.kind === 'arrives') underWay.push({ atMs: fate.atMs, packet });
      else if (fate.kind === 'lost') counts.lost += 1;
      else counts.noRoom += 1;
    }
    if (!timer) deliver();
  });
  return counts;
}

function send(through: Socket, packet: Buffer, port: number): void {
  through.send(packet, port, '127.0.0.1');
}

/** Datagrams that the kernel dropped before `socat` came to read them: the machine was too busy, and the link worse than told. */
function overrunOf(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .find((text) => text.includes(` ${local} `));
  return Number(line?.trim().split(/\s+/).at(-1) ?? 0);
}
