import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  quarantineNewsSchema,
  storageHeartbeatSchema,
  storageRegistrationSchema,
  studySummarySchema,
  type StudySummary,
} from '@medusa/protocol';
import { Server, type Socket } from 'socket.io';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { craftedObject, element, windowsProgram } from '../testing/crafted.ts';
import { dataPath, filesOf, readDicomFile } from '../testing/files.ts';
import { store } from '../testing/scu.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';

type Answer = (ack: unknown) => void;

/** The broker's end of the link, with what it was told. */
type BrokerEnd = {
  readonly port: number;
  readonly batches: (readonly StudySummary[])[];
  readonly registrations: z.infer<typeof storageRegistrationSchema>[];
  readonly heartbeats: unknown[];
  readonly tokens: unknown[];
  readonly quarantined: z.infer<typeof quarantineNewsSchema>[];
  sinceChange: number;
  /** Refuses so many batches before it takes one. */
  refusals: number;
  disconnectAll(): void;
  close(): Promise<void>;
};

async function startBrokerEnd(port: number): Promise<BrokerEnd> {
  const http = createServer();
  const io = new Server(http, { transports: ['websocket'] });
  const end: BrokerEnd = {
    port: 0,
    batches: [],
    registrations: [],
    heartbeats: [],
    tokens: [],
    quarantined: [],
    sinceChange: 0,
    refusals: 0,
    disconnectAll: () => io.of('/node').disconnectSockets(),
    async close() {
      await io.close();
    },
  };
  io.of('/node').on('connection', (socket: Socket) => {
    end.tokens.push((socket.handshake.auth as { token?: unknown }).token);
    socket.on('storage.register', (registration: unknown, answer: Answer) => {
      end.registrations.push(storageRegistrationSchema.parse(registration));
      answer({ ok: true, value: { sinceChange: end.sinceChange } });
    });
    socket.on('storage.heartbeat', (heartbeat: unknown) => {
      end.heartbeats.push(storageHeartbeatSchema.parse(heartbeat));
    });
    socket.on('object.quarantined', (news: unknown, answer: Answer) => {
      end.quarantined.push(...z.array(quarantineNewsSchema).parse(news));
      answer({ ok: true, value: null });
    });
    socket.on('study.changed', (studies: unknown, answer: Answer) => {
      if (end.refusals-- > 0) {
        answer({ ok: false, problem: { type: 'x', title: 'x', status: 500, code: 'internal', retry: true } });
        return;
      }
      end.batches.push(z.array(studySummarySchema).parse(studies));
      answer({ ok: true, value: null });
    });
  });
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
  return Object.assign(end, { port: (http.address() as AddressInfo).port });
}

describe('the link to the broker', () => {
  let resources = new AsyncDisposableStack();
  afterEach(async () => {
    await resources.disposeAsync();
    resources = new AsyncDisposableStack();
  });

  const startBoth = async (): Promise<{ broker: BrokerEnd; storage: TestNode }> => {
    const broker = await startBrokerEnd(0);
    resources.defer(async () => broker.close());
    const storage = resources.use(await startTestNode({ brokerUrl: `http://127.0.0.1:${broker.port}` }));
    return { broker, storage };
  };
  const send = async (storage: TestNode, path: string): Promise<void> => {
    const { meta, dataSet } = await readDicomFile(path);
    expect(await store(storage.node.dicomPort, { ...meta, dataSet })).toBe(0);
  };
  const wait = { timeout: 15_000 };

  it('registers with its token and tells studies in the order of their changes', async () => {
    const { broker, storage } = await startBoth();
    for (const file of (await filesOf('ct-chest')).slice(0, 8)) await send(storage, file);
    await send(storage, dataPath('charset/chrH32.dcm'));

    await expect.poll(() => broker.batches.flat().at(-1)?.patientName, wait).toBe('ﾔﾏﾀﾞ^ﾀﾛｳ');

    expect(broker.tokens).toEqual(['token']);
    expect(broker.registrations).toMatchObject([
      { nodeId: 'storage-test', aeTitle: 'MEDUSA', dicomPort: storage.node.dicomPort },
    ]);
    expect(broker.heartbeats[0]).toMatchObject({ conflicts: 0, refusedAssociations: 0 });
    const changes = broker.batches.flat().map(({ change }) => change);
    expect(changes).toEqual([...changes].sort((a, b) => a - b));
    const last = new Map(broker.batches.flat().map((study) => [study.patientID, study]));
    expect(last.get('LIDC-IDRI-0314')).toMatchObject({
      numberOfStudyRelatedInstances: 8,
      numberOfStudyRelatedSeries: 1,
      modalitiesInStudy: ['CT'],
      receivedFrom: 'TESTER',
    });
  });

  it('receives while the broker is away, and tells it the rest when it is back', async () => {
    const { broker, storage } = await startBoth();
    await send(storage, dataPath('charset/chrH32.dcm'));
    await expect.poll(() => broker.batches.flat().length, wait).toBe(1);
    const known = broker.batches.flat().at(-1)?.change ?? 0;
    await broker.close();
    await send(storage, dataPath('ct-chest/041.dcm'));

    const again = await startBrokerEnd(broker.port);
    resources.defer(async () => again.close());
    again.sinceChange = known;

    await expect
      .poll(() => again.batches.flat().map(({ patientID }) => patientID), wait)
      .toEqual(['LIDC-IDRI-0314']);
    expect(again.registrations[0]?.indexId).toBe(broker.registrations[0]?.indexId);
  });

  it('tells what came into quarantine, once, also what came while the broker was away', async () => {
    const { broker, storage } = await startBoth();
    const sendCarrier = async (number: number): Promise<void> => {
      const more = [element('00291010', 'UN', windowsProgram())];
      const { meta, dataSet } = craftedObject({ number, more });
      expect(await store(storage.node.dicomPort, { ...meta, dataSet })).toBe(0xc101);
    };
    await sendCarrier(1);
    await expect.poll(() => broker.quarantined.length, wait).toBe(1);
    expect(broker.quarantined).toMatchObject([
      { receivedFrom: 'TESTER', reason: 'Windows or DOS program in (0029,1010)' },
    ]);
    await broker.close();
    await sendCarrier(2);

    const again = await startBrokerEnd(broker.port);
    resources.defer(async () => again.close());

    await expect.poll(() => again.quarantined.length, wait).toBe(1);
    expect(again.quarantined[0]?.id).not.toBe(broker.quarantined[0]?.id);
    await expect.poll(() => again.heartbeats.at(-1), wait).toMatchObject({ quarantined: 2 });
  });

  it('comes back when the broker ends the connection, and tells again what was not taken', async () => {
    const { broker, storage } = await startBoth();
    await expect.poll(() => broker.registrations.length, wait).toBe(1);
    broker.refusals = 2;
    await send(storage, dataPath('charset/chrH32.dcm'));
    await expect.poll(() => broker.batches.flat().length, wait).toBe(1);

    broker.disconnectAll();

    await expect.poll(() => broker.tokens.length, wait).toBe(2);
    await expect.poll(() => broker.registrations.length, wait).toBeGreaterThanOrEqual(4);
  });
});
