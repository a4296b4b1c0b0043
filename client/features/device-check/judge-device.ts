import type { DeviceReport, DeviceVerdict } from '@medusa/protocol';
import { strings } from '../../strings/en.ts';
import type { TransportKind } from '../../stream/transport-kind.ts';

/** What was measured. Null = the browser does not tell, or the measurement failed. */
export type DeviceMeasurements = {
  readonly isSecureContext: boolean;
  readonly hasPeerConnection: boolean;
  /** Codecs that the browser receives by WebRTC, e.g. `H264`. */
  readonly receiveCodecs: readonly string[];
  /** How a picture can come to this browser, besides. */
  readonly transports: readonly TransportKind[];
  readonly decodeFramesPerSecond: number | null;
  /** WebGL 2 renderer; null without WebGL 2. */
  readonly graphics: string | null;
  readonly memoryGiB: number | null;
  readonly cores: number | null;
  /** Device px. */
  readonly screenWidthPx: number;
  readonly screenHeightPx: number;
  readonly kind: 'desktop' | 'tablet' | 'phone';
  readonly roundTripMs: number | null;
  readonly throughputMbps: number | null;
  /** `navigator.connection.type`, e.g. `wifi`. */
  readonly networkType: string | null;
};

type Outcome = DeviceReport['items'][number]['outcome'];
type Item = DeviceReport['items'][number];
type ItemId = keyof typeof strings.device.items;

/**
 * All limits in one place. `production`: below (or for times: above) it the device is for demonstration only;
 * `demo`: below it the device is refused.
 */
const deviceLimits = {
  decodeFramesPerSecond: { production: 60, demo: 24 },
  memoryGiB: { production: 8, demo: 2 },
  cores: { production: 4, demo: 2 },
  screenPx: { production: { width: 1920, height: 1080 }, demo: { width: 1024, height: 640 } },
  roundTripMs: { production: 30, demo: 150 },
  // One TCP connection: where one packet in a hundred is lost it gets a third of what the line carries, and the picture, by UDP, most of it.
  throughputMbps: { production: 40, demo: 1 },
} as const;

const wirelessTypes = new Set(['wifi', 'cellular', 'bluetooth', 'wimax']);
const softwareRenderers = /swiftshader|llvmpipe|software|basic render/i;
const { help, items } = strings.device;

/** True if the network is known to be wireless, whose quality nobody can guarantee. */
export function isWireless({ networkType }: Pick<DeviceMeasurements, 'networkType'>): boolean {
  return networkType !== null && wirelessTypes.has(networkType);
}

/** Decides what a device is fit for. Pure: the same measurements always get the same verdict. */
export function judgeDevice(measured: DeviceMeasurements, checkedAt: string): DeviceReport {
  const judged: readonly Item[] = [
    judgeSecure(measured),
    judgeKind(measured),
    judgeScreen(measured),
    judgeCodecs(measured),
    judgeDecode(measured),
    judgeGraphics(measured),
    judgeMemory(measured),
    judgeCores(measured),
    judgeRoundTrip(measured),
    judgeThroughput(measured),
    judgeNetwork(measured),
  ];
  const { throughputMbps } = measured;
  return { verdict: verdictOf(judged, measured), checkedAt, throughputMbps, items: [...judged] };
}

function verdictOf(judged: readonly Item[], measured: DeviceMeasurements): DeviceVerdict {
  if (judged.some(({ outcome }) => outcome === 'fail')) return 'refused';
  // A wireless network and a slow graphics card do not make a device unfit: the first is told as "not guaranteed",
  // the second matters only to studies that are opened in the browser itself.
  const lenient = new Set<string>(['network', 'graphics'] satisfies ItemId[]);
  const isLimited = judged.some(({ id, outcome }) => outcome === 'warn' && !lenient.has(id));
  return isLimited || measured.kind === 'tablet' ? 'demo' : 'production';
}

function item(id: ItemId, measured: string, judged: { outcome: Outcome; help?: string }): Item {
  return { id, title: items[id], outcome: judged.outcome, measured, help: judged.help ?? help.good };
}

function judgeSecure({ isSecureContext }: DeviceMeasurements): Item {
  return item(
    'secure',
    isSecureContext ? 'https' : 'http',
    isSecureContext ? { outcome: 'pass' } : { outcome: 'fail', help: help.secure },
  );
}

function judgeKind({ kind }: DeviceMeasurements): Item {
  const judged = {
    desktop: { outcome: 'pass' },
    tablet: { outcome: 'warn', help: help.tablet },
    phone: { outcome: 'fail', help: help.phone },
  } as const;
  return item('device', kind, judged[kind]);
}

function judgeScreen({ screenWidthPx, screenHeightPx }: DeviceMeasurements): Item {
  const long = Math.max(screenWidthPx, screenHeightPx);
  const short = Math.min(screenWidthPx, screenHeightPx);
  const reaches = (limit: { width: number; height: number }): boolean =>
    long >= limit.width && short >= limit.height;
  const { production, demo } = deviceLimits.screenPx;
  const measured = `${screenWidthPx} × ${screenHeightPx} px`;
  if (reaches(production)) return item('screen', measured, { outcome: 'pass' });
  if (reaches(demo)) return item('screen', measured, { outcome: 'warn', help: help.screen });
  return item('screen', measured, { outcome: 'fail', help: help.screenRefused });
}

/** Data channels are WebRTC too: without that there is no way at all. */
function judgeCodecs({ receiveCodecs, transports, hasPeerConnection }: DeviceMeasurements): Item {
  const measured = receiveCodecs.length > 0 ? receiveCodecs.join(', ') : 'none';
  if (!hasPeerConnection) return item('codecs', measured, { outcome: 'fail', help: help.codecs });
  if (receiveCodecs.includes('H264')) return item('codecs', measured, { outcome: 'pass' });
  if (transports.includes('webcodecs'))
    return item('codecs', `${measured}; H264 (WebCodecs)`, { outcome: 'pass' });
  if (transports.includes('mse'))
    return item('codecs', `${measured}; H264 (MSE)`, { outcome: 'warn', help: help.codecsFilm });
  return item('codecs', measured, { outcome: 'fail', help: help.codecs });
}

function judgeDecode({ decodeFramesPerSecond: rate }: DeviceMeasurements): Item {
  if (rate === null)
    return item('decode', strings.common.unknown, { outcome: 'skipped', help: help.decodeUnknown });
  const outcome = atLeast(rate, deviceLimits.decodeFramesPerSecond);
  return item('decode', `${Math.round(rate)} frames/s at 720p`, withHelp(outcome, help.decodeSlow));
}

function judgeGraphics({ graphics }: DeviceMeasurements): Item {
  if (graphics === null) return item('graphics', 'none', { outcome: 'warn', help: help.graphicsNone });
  const isSoftware = softwareRenderers.test(graphics);
  return item(
    'graphics',
    graphics.slice(0, 200),
    withHelp(isSoftware ? 'warn' : 'pass', help.graphicsSoftware),
  );
}

function judgeMemory({ memoryGiB }: DeviceMeasurements): Item {
  if (memoryGiB === null)
    return item('memory', strings.common.unknown, { outcome: 'skipped', help: help.memoryUnknown });
  // Browsers tell at most 8 GiB, so that pages cannot tell devices apart.
  const measured = memoryGiB >= 8 ? '8 GiB or more' : `${memoryGiB} GiB`;
  return item('memory', measured, withHelp(atLeast(memoryGiB, deviceLimits.memoryGiB), help.memory));
}

function judgeCores({ cores }: DeviceMeasurements): Item {
  if (cores === null) return item('processor', strings.common.unknown, { outcome: 'skipped' });
  return item('processor', String(cores), withHelp(atLeast(cores, deviceLimits.cores), help.processor));
}

function judgeRoundTrip({ roundTripMs }: DeviceMeasurements): Item {
  if (roundTripMs === null)
    return item('roundTrip', strings.common.unknown, { outcome: 'warn', help: help.roundTrip });
  const { production, demo } = deviceLimits.roundTripMs;
  const outcome = roundTripMs <= production ? 'pass' : roundTripMs <= demo ? 'warn' : 'fail';
  return item('roundTrip', `${roundTripMs.toFixed(1)} ms`, withHelp(outcome, help.roundTrip));
}

function judgeThroughput({ throughputMbps }: DeviceMeasurements): Item {
  if (throughputMbps === null)
    return item('throughput', strings.common.unknown, { outcome: 'warn', help: help.throughput });
  const outcome = atLeast(throughputMbps, deviceLimits.throughputMbps);
  return item(
    'throughput',
    `${throughputMbps < 10 ? throughputMbps.toFixed(1) : Math.round(throughputMbps)} Mbit/s`,
    withHelp(outcome, help.throughput),
  );
}

function judgeNetwork({ networkType }: DeviceMeasurements): Item {
  if (networkType === null || networkType === 'unknown')
    return item('network', strings.common.unknown, { outcome: 'skipped', help: help.networkUnknown });
  const outcome = isWireless({ networkType }) ? 'warn' : 'pass';
  return item('network', networkType, withHelp(outcome, help.networkWireless));
}

function atLeast(value: number, limits: { production: number; demo: number }): Outcome {
  if (value >= limits.production) return 'pass';
  return value >= limits.demo ? 'warn' : 'fail';
}

function withHelp(outcome: Outcome, helpWhenNotGood: string): { outcome: Outcome; help?: string } {
  return outcome === 'pass' ? { outcome } : { outcome, help: helpWhenNotGood };
}
