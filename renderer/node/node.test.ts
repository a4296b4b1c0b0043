import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { TypedEmitter } from '@medusa/kernel';
import { type NodeSessionEvent, sessionIdSchema } from '@medusa/protocol';
import { parseConfig } from '../config.ts';
import { AgentClaim, watchOrphans } from './index.ts';
import { Outbox } from './outbox.ts';

const event = (reason: string): NodeSessionEvent => ({
  sessionId: sessionIdSchema.parse('s'),
  event: { kind: 'closed', reason },
});

describe('Outbox', () => {
  it('keeps the order, and what could not be delivered comes first the next time', async () => {
    const taken: NodeSessionEvent[] = [];
    let isUp = false;
    const outbox = new Outbox(async (given) => {
      if (!isUp) throw new Error('no link');
      taken.push(given);
    });

    await expect(outbox.add(event('first'))).rejects.toThrow('no link');
    isUp = true;
    await outbox.add(event('second'));

    expect(taken).toEqual([event('first'), event('second')]);
    expect(outbox.size).toBe(0);
  });
});

describe('watchOrphans', () => {
  it('closes what nobody looks at while the broker is away, and leaves the watched alone', async () => {
    const closed: string[] = [];
    const session = (name: string, connectedParticipants: number) => ({
      connectedParticipants,
      close: async () => void closed.push(name),
    });
    const link = { events: new TypedEmitter<{ up: []; down: [] }>(() => undefined) };
    const sessions = { all: () => [session('watched', 1), session('orphan', 0)] };
    const watching = watchOrphans(link, sessions, 0.01);

    await expect.poll(() => closed, { timeout: 5_000 }).toContain('orphan');
    link.events.emit('up');
    const count = closed.length;
    link.events.emit('down');
    await expect.poll(() => closed.length, { timeout: 5_000 }).toBeGreaterThan(count);

    watching[Symbol.dispose]();
    expect(new Set(closed)).toEqual(new Set(['orphan']));
  });
});

describe('AgentClaim', () => {
  it('lets one agent at a time have a node folder', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'medusa-claim-'));
    const claim = await AgentClaim.acquire(folder, 1);

    await expect(AgentClaim.acquire(folder, 1)).rejects.toThrow('is the agent of');
    await claim[Symbol.asyncDispose]();
    await (await AgentClaim.acquire(folder, 1))[Symbol.asyncDispose]();

    await rm(folder, { recursive: true });
  });
});

describe('parseConfig', () => {
  const least = {
    MEDUSA_BROKER_URL: 'https://broker:8443',
    MEDUSA_NODE_ID: 'node-1',
    MEDUSA_NODE_TOKEN: 'token',
    MEDUSA_NODE_DIR: '/var/lib/medusa',
    MEDUSA_RTC_ADDRESS: '192.0.2.1',
    MEDUSA_RTC_PORT: '44444',
  };

  it('binds the media port to the address told, unless another is given', () => {
    expect(parseConfig(least)).toMatchObject({
      rtcBindAddress: '192.0.2.1',
      rtcPort: 44_444,
      orphanSeconds: 3_600,
    });
    expect(parseConfig({ ...least, MEDUSA_RTC_BIND: '10.0.0.1' }).rtcBindAddress).toBe('10.0.0.1');
  });

  it('refuses what is missing or wrong', () => {
    expect(() => parseConfig({ ...least, MEDUSA_NODE_TOKEN: undefined })).toThrow('MEDUSA_NODE_TOKEN');
    expect(() => parseConfig({ ...least, MEDUSA_RTC_PORT: '70000' })).toThrow('MEDUSA_RTC_PORT');
    expect(() => parseConfig({ ...least, MEDUSA_APPLICATIONS: '[{]' })).toThrow('MEDUSA_APPLICATIONS');
  });
});
