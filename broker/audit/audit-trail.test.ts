import type { AuditEvent } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { createAuditTrail, type AuditStore, type AuditTrail } from './audit-trail.ts';
import { chainHash, genesisHash } from './chain.ts';

const actor = { id: 'rosa', name: 'Rosa', address: '10.0.0.1' };

function open(options: { now?: () => Date; isBroken?: () => boolean } = {}): {
  trail: AuditTrail;
  lines: AuditEvent[];
} {
  const lines: AuditEvent[] = [];
  const logins = new Set<string>();
  const store: AuditStore = {
    async append(entry) {
      if (options.isBroken?.()) throw new Error('no disk');
      const event = {
        ...entry,
        sequence: lines.length + 1,
        hash: chainHash(lines.at(-1)?.hash ?? genesisHash, entry),
      };
      lines.push(event);
      return event;
    },
    list: async () => lines,
    async *lines() {
      yield* lines;
    },
    async markLoginSeen(id) {
      const isNew = !logins.has(id);
      logins.add(id);
      return isNew;
    },
  };
  return { trail: createAuditTrail(store, options.now ?? (() => new Date('2026-01-01T00:00:00Z'))), lines };
}

describe('the audit trail', () => {
  it('writes one line for many readings in a minute, and another in the next', async () => {
    let minute = 0;
    const { trail, lines } = open({ now: () => new Date(Date.UTC(2026, 0, 1, 0, minute)) });
    const read = async (studyInstanceUID: string, context: string): Promise<void> =>
      trail.recordStudyRead({ actor, studyInstanceUID, context });

    await Promise.all(Array.from({ length: 500 }, async () => read('1.2', 'session a')));
    await read('1.2', 'session b');
    await read('1.3', 'session a');
    minute = 1;
    await read('1.2', 'session a');

    expect(lines.map(({ objectId, detail }) => `${objectId} ${detail}`)).toEqual([
      '1.2 session a',
      '1.2 session b',
      '1.3 session a',
      '1.2 session a',
    ]);
  });

  it('writes a login once, however often its tokens are seen', async () => {
    const { trail, lines } = open();

    for (const login of ['a', 'a', 'b', 'a']) await trail.recordLoginOnce(login, actor);

    expect(lines.map(({ action }) => action)).toEqual(['user.login', 'user.login']);
  });

  it('fails the act that cannot be written, each time', async () => {
    let isBroken = true;
    const { trail, lines } = open({ isBroken: () => isBroken });
    const reading = { actor, studyInstanceUID: '1.2', context: 'x' };

    await expect(trail.recordStudyRead(reading)).rejects.toThrow('no disk');
    await expect(trail.recordStudyRead(reading)).rejects.toThrow('no disk');
    isBroken = false;
    await trail.recordStudyRead(reading);

    expect(lines).toHaveLength(1);
  });

  it.each<[string, (lines: AuditEvent[]) => unknown, object]>([
    ['nothing', () => undefined, { kind: 'intact', lines: 3 }],
    [
      'a changed line',
      (lines) => Object.assign(lines[1] ?? {}, { actorId: 'dirk' }),
      { kind: 'broken', sequence: 2 },
    ],
    ['a missing line', (lines) => lines.splice(1, 1), { kind: 'broken', sequence: 3 }],
    ['two lines in the wrong order', (lines) => lines.reverse(), { kind: 'broken' }],
  ])('sees %s in its chain', async (_name, tamper, verdict) => {
    const { trail, lines } = open();
    for (const objectId of ['a', 'b', 'c'])
      await trail.record({ action: 'session.opened', actor, objectType: 'session', objectId });
    tamper(lines);

    expect(await trail.verify()).toMatchObject(verdict);
  });
});
