/** An exact amount: whole minor units (cents) of a currency of ISO 4217. Never a floating point number. */
export type Money = { readonly minor: bigint; readonly currency: string };

/** Reads a decimal amount, e.g. `25.00` of `EUR`. `undefined`: no amount, no currency, or finer than the currency's minor unit. */
export function parseMoney(amount: string, currency: string | undefined): Money | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(amount.trim());
  const digits = currency === undefined ? undefined : minorDigits(currency);
  if (!match || currency === undefined || digits === undefined) return undefined;
  const [, whole = '0', fraction = ''] = match;
  const kept = fraction.replace(/0+$/, '');
  return kept.length > digits ? undefined : { minor: BigInt(whole + kept.padEnd(digits, '0')), currency };
}

/** `-1234` cents of EUR as `-12.34`. */
export function formatMinor(minor: bigint, currency: string): string {
  const digits = minorDigits(currency) ?? 0;
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, '0');
  const split = text.length - digits;
  const fraction = digits === 0 ? '' : `.${text.slice(split)}`;
  return `${minor < 0n ? '-' : ''}${text.slice(0, split)}${fraction}`;
}

/** How many decimal digits the currency's minor unit has; `undefined`: no such currency. */
function minorDigits(currency: string): number | undefined {
  if (!Intl.supportedValuesOf('currency').includes(currency)) return undefined;
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits;
}
