import ipaddr from 'ipaddr.js';

/** An IP prefix or a single address as numbers: 32 bits (RFC 791) or 128 (RFC 8200). */
export type Prefix = {
  readonly family: 4 | 6;
  /** The first address, host bits cleared. */
  readonly first: bigint;
  readonly length: number;
};

const bitsOf = { 4: 32, 6: 128 } as const;

/** @throws RangeError when it is neither `address` nor `address/length`. */
export function parsePrefix(text: string): Prefix {
  const [address = '', lengthText, ...rest] = text.split('/');
  if (rest.length > 0 || !ipaddr.isValid(address)) throw new RangeError(`${text} is no IP prefix`);
  const parsed = ipaddr.parse(address);
  const family = parsed.kind() === 'ipv4' ? 4 : 6;
  const length = lengthText === undefined ? bitsOf[family] : Number(lengthText);
  if (!/^\d{1,3}$/.test(lengthText ?? '0') || length > bitsOf[family])
    throw new RangeError(`${text} is no IP prefix`);
  const value = parsed.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family, first: value & ~(sizeOf(family, length) - 1n), length };
}

function sizeOf(family: 4 | 6, length: number): bigint {
  return 1n << BigInt(bitsOf[family] - length);
}

export function lastOf({ family, first, length }: Prefix): bigint {
  return first + sizeOf(family, length) - 1n;
}

export function formatAddress(family: 4 | 6, value: bigint): string {
  const bytes = Array.from({ length: bitsOf[family] / 8 }, (_, index) =>
    Number((value >> BigInt(bitsOf[family] - 8 * (index + 1))) & 0xffn),
  );
  const address = ipaddr.fromByteArray(bytes);
  return address.kind() === 'ipv6' ? (address as ipaddr.IPv6).toRFC5952String() : address.toString();
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.family, prefix.first)}/${prefix.length}`;
}

export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  return a.family === b.family && a.first <= lastOf(b) && b.first <= lastOf(a);
}
