import { createHash } from 'node:crypto';

/** A term of GFD.229 from any name; where something had to give way, a hash tells names apart, today and tomorrow. */
export function termOf(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 60);
  if (plain === name) return plain;
  return `${plain === '' ? 'x' : plain}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}
