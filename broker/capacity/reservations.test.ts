import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReservationStore, openDatabase, type Db } from '../persistence/index.ts';
import { startTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { createReserving, type Reserving } from './reservations.ts';

let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  database = await startTestDatabase();
  db = await openDatabase(await database.create('reservations'), () => undefined);
});
afterAll(async () => {
  await db.destroy();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await db.deleteFrom('reservation').execute();
});

const noon = Date.parse('2026-03-02T12:00:00Z');
const ada = { id: 'ada', username: 'ada', name: 'Ada' };
const bob = { id: 'bob', username: 'Bob', name: 'Bob' };

function reservingAt(atMs: number, slots = 4): Reserving {
  return createReserving({
    ...{ store: createReservationStore(db), capacity: async () => slots },
    ...{ now: () => new Date(atMs), newId: randomUUID },
  });
}

const noEntry = { title: '', studyInstanceUID: null, invited: [] };

function from(hours: number, to: number, slots = 1) {
  const at = (hour: number): string => new Date(noon + hour * 3_600_000).toISOString();
  return { slots, startsAt: at(hours), endsAt: at(to), note: '', ...noEntry };
}

describe('reservations', () => {
  it('are as many at one moment as there are slots, and no more', async () => {
    const reserving = reservingAt(noon);
    await reserving.reserve(from(1, 3, 2), ada);
    await reserving.reserve(from(2, 4, 2), bob);

    await expect(reserving.reserve(from(2.5, 6), ada)).rejects.toMatchObject({
      code: 'reservation.conflict',
    });
    await expect(reserving.reserve(from(3, 6, 2), ada)).resolves.toMatchObject({ ownerName: 'Ada' });
    // Two ended when the third began: never more than two at once before it.
    await expect(reserving.reserve(from(0, 2, 2), ada)).resolves.toMatchObject({ slots: 2 });
  });

  it('are not given twice to those who ask at once', async () => {
    const asked = await Promise.allSettled(
      Array.from({ length: 12 }, async (_, n) =>
        reservingAt(noon).reserve(from(1, 2), n % 2 === 0 ? ada : bob),
      ),
    );

    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    expect(await reservingAt(noon).list()).toHaveLength(4);
  });

  it.each([
    ['ends before it begins', from(2, 1)],
    ['is over', from(-2, -1)],
    ['lasts for days', from(0, 30)],
    ['is years ahead', from(20_000, 20_001)],
  ])('is refused when it %s', async (_why, wanted) => {
    await expect(reservingAt(noon).reserve(wanted, ada)).rejects.toMatchObject({ code: 'request.invalid' });
  });

  it('is cancelled by its owner, and is nobody else’s to cancel', async () => {
    const reserving = reservingAt(noon);
    const { id } = await reserving.reserve(from(1, 2), ada);

    await expect(reserving.cancel(id, 'bob')).rejects.toMatchObject({ code: 'reservation.unknown' });
    await reserving.cancel(id, 'ada');

    expect(await reserving.list(ada)).toEqual([]);
  });

  it('with a title, a study and guests stands in their calendar too', async () => {
    const reserving = reservingAt(noon);
    const entry = { title: 'Tumour board', studyInstanceUID: '1.2.840.1', invited: ['BOB'] };
    const { id } = await reserving.reserve({ ...from(1, 2), ...entry }, ada);
    await reserving.reserve(from(3, 4), ada);

    expect(await reserving.list(ada)).toHaveLength(2);
    expect(await reserving.list(bob)).toMatchObject([{ id, ownerId: 'ada', ...entry }]);
    await expect(reserving.cancel(id, 'bob')).rejects.toMatchObject({ code: 'reservation.unknown' });
  });

  it('is not told of any more when it has ended', async () => {
    await reservingAt(noon).reserve(from(1, 2), ada);

    expect(await reservingAt(noon + 1.5 * 3_600_000).list(ada)).toHaveLength(1);
    expect(await reservingAt(noon + 2 * 3_600_000).list(ada)).toEqual([]);
  });
});
