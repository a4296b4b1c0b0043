import { z } from 'zod';
import { ableTransports } from '../../stream/transport-kind.ts';
import type { DeviceMeasurements } from './judge-device.ts';
import { measureDecodeRate } from './measure-decode.ts';
import { kindOfDevice } from './kind-of-device.ts';

export type MeasurePhase = 'system' | 'decode' | 'roundTrip' | 'throughput';
export const measurePhases: readonly MeasurePhase[] = ['system', 'decode', 'roundTrip', 'throughput'];

/** What TypeScript's DOM does not know yet, or not every browser has. */
const navigatorHintsSchema = z.object({
  deviceMemory: z.number().nullish(),
  connection: z.object({ type: z.string().nullish() }).nullish(),
});

const pings = 12;
const downloads = 3;
/** For all of them. */
const mostThroughputMs = 6_000;

/** Measures everything, one after the other so that no measurement disturbs another. */
export async function measureDevice(
  notePhase: (phase: MeasurePhase) => void,
  signal: AbortSignal,
): Promise<DeviceMeasurements> {
  notePhase('system');
  const system = readSystem();
  notePhase('decode');
  const decodeFramesPerSecond = await measureDecodeRate(signal);
  notePhase('roundTrip');
  const roundTripMs = await orNull(measureRoundTrip(signal));
  notePhase('throughput');
  const throughputMbps = await orNull(measureThroughput(signal));
  return { ...system, decodeFramesPerSecond, roundTripMs, throughputMbps };
}

function readSystem(): Omit<DeviceMeasurements, 'decodeFramesPerSecond' | 'roundTripMs' | 'throughputMbps'> {
  const { deviceMemory, connection } = navigatorHintsSchema.parse({
    deviceMemory: (navigator as { deviceMemory?: unknown }).deviceMemory,
    connection: (navigator as { connection?: unknown }).connection,
  });
  const cssWidth = Math.max(screen.width, outerWidth);
  const cssHeight = Math.max(screen.height, outerHeight);
  return {
    isSecureContext,
    hasPeerConnection: 'RTCPeerConnection' in globalThis,
    receiveCodecs: readReceiveCodecs(),
    transports: ableTransports(),
    graphics: readGraphics(),
    memoryGiB: deviceMemory ?? null,
    cores: navigator.hardwareConcurrency || null,
    screenWidthPx: Math.round(cssWidth * devicePixelRatio),
    screenHeightPx: Math.round(cssHeight * devicePixelRatio),
    kind: kindOfDevice({
      userAgent: navigator.userAgent,
      touchPoints: navigator.maxTouchPoints,
      hasFinePointer: matchMedia('(any-pointer: fine)').matches,
      shortSide: Math.min(cssWidth, cssHeight),
    }),
    networkType: connection?.type ?? null,
  };
}

function readReceiveCodecs(): readonly string[] {
  if (!('RTCRtpReceiver' in globalThis)) return [];
  const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
  const names = new Set(codecs.map(({ mimeType }) => mimeType.replace('video/', '')));
  return ['H264', 'VP8', 'VP9', 'AV1'].filter((name) => names.has(name));
}

function readGraphics(): string | null {
  const context = document.createElement('canvas').getContext('webgl2');
  if (!context) return null;
  const extension = context.getExtension('WEBGL_debug_renderer_info');
  const renderer: unknown = context.getParameter(extension?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER);
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return typeof renderer === 'string' ? renderer : 'WebGL 2';
}

async function measureRoundTrip(signal: AbortSignal): Promise<number> {
  const times: number[] = [];
  for (let ping = 0; ping < pings; ping += 1) {
    const start = performance.now();
    await fetchOk('/api/ping', signal);
    times.push(performance.now() - start);
  }
  // The first one opens the connection.
  return median(times.slice(1));
}

/** The best of some downloads: the first ones find TCP's window still opening. A thin line is known long before it carried them all. */
async function measureThroughput(signal: AbortSignal): Promise<number> {
  const endAtMs = performance.now() + mostThroughputMs;
  let best = 0;
  for (let download = 0; download < downloads && performance.now() < endAtMs; download += 1)
    best = Math.max(best, await timeDownload(endAtMs, signal));
  return best;
}

/** Mbit/s of what has come when it is whole, or at the given time. */
async function timeDownload(endAtMs: number, signal: AbortSignal): Promise<number> {
  const enough = new AbortController();
  const startMs = performance.now();
  const path = '/api/device-check/payload';
  const response = await fetch(path, { cache: 'no-store', signal: AbortSignal.any([signal, enough.signal]) });
  if (!response.ok || !response.body) throw new Error(`${path} answered ${response.status}`);
  const reader = response.body.getReader();
  let bytes = 0;
  while (performance.now() < endAtMs) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
  }
  const seconds = Math.max(0.001, (performance.now() - startMs) / 1_000);
  enough.abort();
  return (bytes * 8) / 1_000_000 / seconds;
}

async function fetchOk(path: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(path, { cache: 'no-store', signal });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  await response.arrayBuffer();
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function orNull<Value>(measuring: Promise<Value>): Promise<Value | null> {
  return measuring.catch(() => null);
}
