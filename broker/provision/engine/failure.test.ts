import { providerIdSchema, resourceIdSchema } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { machineOf } from '../../support/test-provisioning.ts';
import { ProviderError } from '../port/index.ts';
import { failureOf } from './failure.ts';
import { newStatus, newWish, type ResourceRecord } from './model.ts';

const now = 1_000_000;
const record = (attempts: number): ResourceRecord => ({
  id: resourceIdSchema.parse('node-1'),
  provider: providerIdSchema.parse('cloud'),
  pool: null,
  wish: newWish(machineOf()),
  status: { ...newStatus(0, 1), attempts },
  createdAt: 0,
  changedAt: 0,
});

describe('a call whose outcome is not known', () => {
  const after = (attempts: number) =>
    failureOf(record(attempts), new ProviderError('unknown-outcome', 'cut off'), {
      call: { action: 'create', operationId: null },
      now,
      random: 1,
    });

  it('is looked into at once, and is made again at once the first time', () => {
    expect(after(0)).toMatchObject({ againMs: 0, patch: { attempts: 1, nextTryAt: null } });
  });

  it('is made again with growing pauses when it goes wrong time after time', () => {
    const pauses = [1, 2, 3, 20].map((attempts) => (after(attempts).patch.nextTryAt ?? now) - now);

    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses[0]).toBeGreaterThanOrEqual(500);
    expect(pauses.at(-1)).toBeGreaterThan(60_000);
  });
});
