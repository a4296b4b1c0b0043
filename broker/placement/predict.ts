import type { BootClass, Candidate, Estimate, PlacementNeed } from './candidate.ts';

/**
 * What predictions are made from: measured on reference nodes, kept as data and versioned, so that a prediction can be
 * told from the table it was made with. Times in ms.
 */
export type Calibration = {
  readonly version: string;
  /** From order to a node that can start applications. */
  readonly bootMs: Readonly<Record<BootClass, number>>;
  readonly applicationStartMs: number;
  readonly renderMs: Readonly<Record<Candidate['rendering'], number>>;
  readonly encodeMs: { readonly hardware: number; readonly software: number };
  /** In the browser, with the wait for the screen. */
  readonly decodeMs: number;
  /** Requests that follow each other before the first image: connection, metadata, frame. */
  readonly roundTrips: number;
  readonly firstBytes: number;
  /** A path of which nothing is known: the slowest local network that is supported, with doubt. */
  readonly unknown: { readonly kbps: Estimate; readonly rttMs: Estimate };
  readonly sameHost: { readonly kbps: Estimate; readonly rttMs: Estimate };
};

export const defaultCalibration: Calibration = {
  version: '1',
  bootMs: { warm: 0, container: 4_000, machine: 45_000, metal: 300_000 },
  applicationStartMs: 1_200,
  renderMs: { cpu: 14, webgl: 5 },
  encodeMs: { hardware: 5, software: 12 },
  decodeMs: 12,
  roundTrips: 4,
  firstBytes: 10_000_000,
  unknown: { kbps: { typical: 100_000, cautious: 20_000 }, rttMs: { typical: 20, cautious: 80 } },
  sameHost: {
    kbps: { typical: 8_000_000, cautious: 2_000_000 },
    rttMs: { typical: 0.2, cautious: 1 },
  },
};

/** Filled in again and again, so that a decision over many nodes makes no garbage. Times in ms. */
export type Prediction = {
  firstImageMs: number;
  firstImageCautiousMs: number;
  frameMs: number;
  frameCautiousMs: number;
  /** Whether the path from the study was measured. */
  isMeasured: boolean;
};

export function emptyPrediction(): Prediction {
  return { firstImageMs: 0, firstImageCautiousMs: 0, frameMs: 0, frameCautiousMs: 0, isMeasured: false };
}

type Asked = { readonly need: PlacementNeed; readonly candidate: Candidate };

/**
 * Time to first image = queue + boot + start of the application + first bytes at the path's rate + round trips.
 * Frame latency = drawing and encoding + round trip to the user + decoding.
 */
export function predictInto(prediction: Prediction, asked: Asked, calibration: Calibration): void {
  const { need, candidate } = asked;
  const paths = need.paths?.get(candidate.zone);
  const isNear = candidate.host === need.storageHost;
  // That a path is as short as it looks is only assumed: what was measured says more.
  const assumed = isNear ? calibration.sameHost : calibration.unknown;
  const kbps = paths?.data.kbps ?? assumed.kbps;
  const rttMs = isNear ? assumed.rttMs : (paths?.data.rttMs ?? assumed.rttMs);
  predictFirstImage(prediction, { ...asked, kbps, rttMs }, calibration);
  prediction.isMeasured = isNear || kbps !== assumed.kbps;
  predictFrame(prediction, { candidate, userRtt: paths?.user.rttMs }, calibration);
}

function predictFirstImage(
  prediction: Prediction,
  { need, candidate, kbps, rttMs }: Asked & { readonly kbps: Estimate; readonly rttMs: Estimate },
  { bootMs, applicationStartMs, roundTrips, firstBytes }: Calibration,
): void {
  const kilobits = ((need.firstBytes ?? firstBytes) * 8) / 1_000;
  const fixed = candidate.queueMs + bootMs[candidate.boot] + applicationStartMs;
  prediction.firstImageMs = fixed + (kilobits / kbps.typical) * 1_000 + roundTrips * rttMs.typical;
  prediction.firstImageCautiousMs = fixed + (kilobits / kbps.cautious) * 1_000 + roundTrips * rttMs.cautious;
}

function predictFrame(
  prediction: Prediction,
  { candidate, userRtt }: { readonly candidate: Candidate; readonly userRtt: Estimate | null | undefined },
  { renderMs, encodeMs, decodeMs, unknown }: Calibration,
): void {
  const encode = isHardware(candidate.encoders[0]) ? encodeMs.hardware : encodeMs.software;
  // Beyond half of its processors in use, sessions begin to wait for each other.
  const crowding = 1 + Math.max(0, candidate.load1 / candidate.cpus - 0.5);
  const work = (renderMs[candidate.rendering] + encode) * crowding + decodeMs;
  const rttMs = userRtt ?? unknown.rttMs;
  prediction.frameMs = work + rttMs.typical;
  prediction.frameCautiousMs = work + rttMs.cautious;
}

function isHardware(encoder: string | undefined): boolean {
  return encoder !== undefined && !encoder.startsWith('lib');
}
