import { provisionEventSchema } from '@medusa/protocol';
import { expect, it } from 'vitest';
import { eventsCsv } from './events-csv.ts';

it('quotes what needs it, and disarms what a spreadsheet would compute', () => {
  const base = {
    ...{ sequence: 7, at: '2026-01-01T00:00:00Z', provider: 'cloud', resource: null, kind: 'step' },
    ...{ outcome: 'failed', durationMs: 1_200.5 },
  };
  const events = ['said "no",\nand left', '=1+1'].map((text) =>
    provisionEventSchema.parse({ ...base, text }),
  );

  expect(eventsCsv(events)).toBe(
    'sequence,at,provider,resource,kind,outcome,text,durationMs\r\n' +
      '7,2026-01-01T00:00:00Z,cloud,,step,failed,"said ""no"",\nand left",1200.5\r\n' +
      "7,2026-01-01T00:00:00Z,cloud,,step,failed,'=1+1,1200.5\r\n",
  );
});
