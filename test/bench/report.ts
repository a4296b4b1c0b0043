/** Of sorted or unsorted samples; linear between the two nearest ranks. `fraction` in 0…1. */
export function quantile(samples: readonly number[], fraction: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The one line on standard output that scripts read. */
export function printResult(result: {
  readonly bench: string;
  readonly medians: Readonly<Record<string, number>>;
  readonly ratios: Readonly<Record<string, number>>;
  readonly n: number;
  /** What is no figure, or must be exact: counts of what must not happen. */
  readonly results?: Readonly<Record<string, unknown>>;
}): void {
  const round = (values: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value.toPrecision(4))]));
  process.stdout.write(
    `${JSON.stringify({ ...result, medians: round(result.medians), ratios: round(result.ratios) })}\n`,
  );
}
