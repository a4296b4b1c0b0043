/** What was measured or seen once: one session's start, one probe of a node. */
export type IndicatorEvent = {
  /** The same event told twice has the same id, and counts once. */
  readonly id: string;
  readonly indicator: string;
  readonly atMs: number;
  /** In the indicator's unit; for a proportion 1 = good, 0 = bad. */
  readonly value: number;
  /** Of which service, and of what in it (a session, a node). */
  readonly service: string;
  readonly item: string;
  /** What is known about the circumstances, for qualifying conditions: `lan.mbps`, `device.tier`. */
  readonly conditions: Readonly<Record<string, number | string>>;
};

export type IndicatorKind = 'duration' | 'proportion' | 'rate';

/** Indicators that the broker knows; others may be told by whoever measures them. */
export const indicators: Readonly<Record<string, { readonly kind: IndicatorKind; readonly unit: string }>> = {
  'session.start.seconds': { kind: 'duration', unit: 's' },
  'first.image.seconds': { kind: 'duration', unit: 's' },
  'frame.latency.ms': { kind: 'duration', unit: 'ms' },
  'lossless.seconds': { kind: 'duration', unit: 's' },
  'room.join.seconds': { kind: 'duration', unit: 's' },
  'session.availability': { kind: 'proportion', unit: '' },
  'scp.availability': { kind: 'proportion', unit: '' },
  'node.availability': { kind: 'proportion', unit: '' },
  'lan.mbps': { kind: 'rate', unit: 'Mb/s' },
  'study.read.mbps': { kind: 'rate', unit: 'Mb/s' },
  'pacs.link.mbps': { kind: 'rate', unit: 'Mb/s' },
};

export function kindOf(indicator: string): IndicatorKind {
  return (Object.hasOwn(indicators, indicator) ? indicators[indicator]?.kind : undefined) ?? 'rate';
}
