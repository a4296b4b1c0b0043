import { strings } from '../../strings/en.ts';

/** An ISO 8601 instant in the reader's own time, to the second. */
export function formatInstant(instant: string | null): string {
  if (instant === null) return strings.common.unknown;
  return new Date(instant).toLocaleString('sv-SE');
}
