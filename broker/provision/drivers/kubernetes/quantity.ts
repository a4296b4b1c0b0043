/** Factors of `resource.Quantity` (Kubernetes API, "Quantity"): decimal and binary SI suffixes. */
const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** `1500m` → 1.5, `16Gi` → 17179869184, `1e3` → 1000; NaN when it is none. */
export function parseQuantity(text: string): number {
  const match = /^([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)([numkMGTPE]?i?)$/.exec(text.trim());
  const factor = factors[match?.[2] ?? '-'];
  return match && factor !== undefined ? Number(match[1]) * factor : Number.NaN;
}
