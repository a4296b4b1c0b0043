import type { ProvisionEvent } from '@medusa/protocol';

const columns = ['sequence', 'at', 'provider', 'resource', 'kind', 'outcome', 'text', 'durationMs'] as const;

/** RFC 4180, with a header. Cells that a spreadsheet would take for a formula are disarmed. */
export function eventsCsv(events: readonly ProvisionEvent[]): string {
  const rows = events.map((event) => columns.map((column) => cellOf(event[column])).join(','));
  return [columns.join(','), ...rows].map((row) => `${row}\r\n`).join('');
}

function cellOf(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
