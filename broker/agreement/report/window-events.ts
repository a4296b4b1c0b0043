import type { WindowEvents } from '@medusa/protocol';
import { activeSpans, guaranteesOf } from '../evaluate.ts';
import { leftOutOf } from '../evaluation/index.ts';
import type { AgreementRecord, AgreementStore } from '../record.ts';

/** What the figures of the window that ends then were made from, and what was left out of it. */
export async function windowEventsOf(
  store: Pick<AgreementStore, 'assessments' | 'findEvents' | 'eventsIn'>,
  record: AgreementRecord,
  { guarantee: name, windowTo }: { readonly guarantee: string; readonly windowTo: string },
): Promise<WindowEvents> {
  const toMs = Date.parse(windowTo);
  const query = { agreementId: record.id, span: { fromMs: toMs - 1, toMs }, limit: 1_000 };
  const found = (await store.assessments(query)).filter(({ guarantee }) => guarantee === name);
  const counted = await store.findEvents(found.flatMap(({ eventIds }) => eventIds));
  const events = counted.map(({ atMs, ...event }) => ({ ...event, at: new Date(atMs).toISOString() }));
  const guarantee = guaranteesOf(record).find(({ term }) => term.name === name);
  const [first] = found;
  if (!guarantee || !first) return { events, leftOut: [] };
  const window = { fromMs: Date.parse(first.windowFrom), toMs };
  const told = await store.eventsIn({ indicators: [...guarantee.indicators], span: window });
  const leftOut = leftOutOf(guarantee, window, { events: told, active: activeSpans(record) });
  return { events, leftOut };
}
