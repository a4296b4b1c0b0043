import type { TransportKind } from './transport-kind.ts';

/** What the stream is doing right now, as the top bar shows it. */
export type StreamStatistics = {
  readonly transport: TransportKind;
  readonly framesPerSecond: number;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly codec: string;
  readonly kbps: number;
  readonly roundTripMs: number | null;
  readonly packetsLost: number;
  /** Mean time a frame waited in the jitter buffer since the last reading. */
  readonly jitterBufferMs: number | null;
  /** `udp` or `tcp`. */
  readonly protocol: string;
};

/** The counters of one reading, to be compared with the next. */
export type StatisticsReading = {
  readonly atMs: number;
  readonly bytes: number;
  readonly bufferDelaySeconds: number;
  readonly bufferEmitted: number;
};

type Entry = Readonly<Record<string, unknown>>;

/** Reads a WebRTC statistics report (W3C webrtc-stats). Rates come from the difference to the reading before. */
export function readStatistics(
  report: Iterable<readonly [string, unknown]>,
  before: StatisticsReading | undefined,
): { statistics: StreamStatistics; reading: StatisticsReading } | undefined {
  const entries = new Map<string, Entry>([...report].map(([id, entry]) => [id, entry as Entry]));
  const inbound = [...entries.values()].find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
  if (!inbound) return undefined;
  const reading: StatisticsReading = {
    atMs: number(inbound['timestamp']),
    bytes: number(inbound['bytesReceived']),
    bufferDelaySeconds: number(inbound['jitterBufferDelay']),
    bufferEmitted: number(inbound['jitterBufferEmittedCount']),
  };
  return {
    reading,
    statistics: {
      transport: 'media',
      framesPerSecond: number(inbound['framesPerSecond']),
      widthPx: number(inbound['frameWidth']),
      heightPx: number(inbound['frameHeight']),
      codec: text(entries.get(text(inbound['codecId']))?.['mimeType']).replace('video/', ''),
      packetsLost: number(inbound['packetsLost']),
      ...pathIn(entries),
      ...rates(reading, before),
    },
  };
}

/** The way through the network that a report is of. */
export function readPath(
  report: Iterable<readonly [string, unknown]>,
): Pick<StreamStatistics, 'protocol' | 'roundTripMs'> {
  return pathIn(new Map([...report].map(([id, entry]) => [id, entry as Entry])));
}

function pathIn(entries: ReadonlyMap<string, Entry>): Pick<StreamStatistics, 'protocol' | 'roundTripMs'> {
  const pair = usedPair(entries);
  const roundTrip = pair?.['currentRoundTripTime'];
  return {
    protocol: text(entries.get(text(pair?.['localCandidateId']))?.['protocol']),
    roundTripMs: typeof roundTrip === 'number' ? roundTrip * 1_000 : null,
  };
}

/** Of several that were nominated, one after the other, the transport names the one that is used. */
function usedPair(entries: ReadonlyMap<string, Entry>): Entry | undefined {
  const all = [...entries.values()];
  const selected = all.find(({ type }) => type === 'transport')?.['selectedCandidatePairId'];
  return (
    entries.get(text(selected)) ??
    all.find(({ type, nominated }) => type === 'candidate-pair' && nominated === true)
  );
}

function rates(
  now: StatisticsReading,
  before: StatisticsReading | undefined,
): Pick<StreamStatistics, 'kbps' | 'jitterBufferMs'> {
  if (!before || now.atMs <= before.atMs) return { kbps: 0, jitterBufferMs: null };
  const emitted = now.bufferEmitted - before.bufferEmitted;
  return {
    kbps: Math.max(0, ((now.bytes - before.bytes) * 8) / (now.atMs - before.atMs)),
    jitterBufferMs:
      emitted > 0 ? ((now.bufferDelaySeconds - before.bufferDelaySeconds) * 1_000) / emitted : null,
  };
}

const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
