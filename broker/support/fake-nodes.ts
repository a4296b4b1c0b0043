import {
  nodeIdSchema,
  type BrokerToNode,
  type EntityStatus,
  type NodeRegistration,
  type NodeSessionEvent,
  type NodeToBroker,
  type NodeViewTold,
  type NodeWelcome,
  type QuarantineNews,
  type Ruling,
  type RecordingTold,
  type StartSession,
  type StorageHealth,
  type StorageWelcome,
  type StudySummary,
  type ToldRegistry,
  type Ack,
} from '@medusa/protocol';
import { io, type Socket } from 'socket.io-client';
import type { TestBroker } from './test-broker.ts';

type Command = { readonly name: keyof BrokerToNode; readonly payload: Record<string, unknown> };

/** A render node's end of the link: answers every command and lets the test tell events. */
/** What a program on the display of every session has just copied. */
export const copiedText = 'Nodule 7 mm';

export type FakeRenderNode = AsyncDisposable & {
  readonly commands: readonly Command[];
  readonly running: Map<string, StartSession>;
  commandsNamed(name: keyof BrokerToNode): Command[];
  tell(event: NodeSessionEvent): Promise<Ack<null>>;
  tellRecording(told: RecordingTold): Promise<Ack<null>>;
  showView(told: NodeViewTold): void;
  /** Hears everything and answers nothing, over a link that looks alive. */
  hang(): void;
  /** The link breaks without a word and is not taken up again. */
  disconnect(): void;
  connect(): Promise<void>;
};

type RenderSocket = Socket<BrokerToNode, NodeToBroker>;

const heartbeatMs = 100;

export async function connectRenderNode(
  broker: TestBroker,
  options: {
    id?: string;
    slots?: number;
    startsBy?: 'streaming' | 'hand';
    applications?: string[];
    zone?: string;
    capabilities?: Partial<NodeRegistration['capabilities']>;
    /** What every recording of it is. */
    film?: Uint8Array<ArrayBuffer>;
  } = {},
): Promise<FakeRenderNode> {
  const { id = 'render-1', slots = 1, startsBy = 'streaming', applications = ['workstation'] } = options;
  const nodeId = nodeIdSchema.parse(id);
  const commands: Command[] = [];
  const running = new Map<string, StartSession>();
  const socket: RenderSocket = io(`${broker.url}/node`, {
    auth: { token: await broker.nodeToken(id, 'render') },
    transports: ['websocket'],
    reconnectionDelay: 50,
    reconnectionDelayMax: 100,
    autoConnect: false,
  });
  const registration = (): NodeRegistration => ({
    nodeId,
    version: '0.1.0',
    startedAt: new Date().toISOString(),
    capabilities: {
      architecture: 'x64',
      cpus: 4,
      memoryMiB: 8_000,
      gpu: null,
      encoders: ['libx264'],
      rendering: 'cpu',
      slots,
      applications,
      confinement: 'none',
      rtcAddress: '127.0.0.1',
      rtcPort: 44_444,
      ...options.capabilities,
    },
    ...(options.zone !== undefined && { zone: options.zone }),
    sessions: reports(running),
  });
  const tell = async (event: NodeSessionEvent): Promise<Ack<null>> =>
    socket.emitWithAck('session.event', event);
  const ok = { ok: true, value: null } as const;

  let timer: NodeJS.Timeout | undefined;
  const register = async (): Promise<NodeWelcome> => {
    const ack = await socket.emitWithAck('node.register', registration());
    if (!ack.ok) throw new Error(ack.problem.title);
    clearInterval(timer);
    timer = setInterval(() => {
      const sessions = reports(running).map((report) => ({
        ...report,
        framesPerSecond: 30,
        sentKbps: 1,
        encodeMs: 1,
      }));
      socket.emit('node.heartbeat', { load1: 0.5, freeMemoryMiB: 4_000, sessions });
    }, heartbeatMs);
    return ack.value;
  };
  let isHanging = false;
  socket.on('session.start', (request, answer) => {
    commands.push({ name: 'session.start', payload: request });
    running.set(request.sessionId, request);
    answer(ok);
    if (startsBy !== 'streaming') return;
    const { sessionId, incarnation } = request;
    tell({ sessionId, incarnation, event: { kind: 'step', step: 'display', startMs: 0, endMs: 5 } })
      .then(async () => tell({ sessionId, incarnation, event: { kind: 'streaming' } }))
      // The test has broken the link in the meantime.
      .catch(() => undefined);
  });
  socket.on('session.stop', (request, answer) => {
    commands.push({ name: 'session.stop', payload: request });
    running.delete(request.sessionId);
    answer(ok);
  });
  socket.on('session.set-controller', (payload, answer) => {
    commands.push({ name: 'session.set-controller', payload });
    answer(ok);
  });
  socket.on('session.remove-participant', (payload, answer) => {
    commands.push({ name: 'session.remove-participant', payload });
    answer(ok);
  });
  socket.on('stream.request', (payload, answer) => {
    commands.push({ name: 'stream.request', payload });
    if (isHanging) return;
    answer({ ok: true, value: { kind: 'capabilities', routerRtpCapabilities: { codecs: [] } } });
  });

  socket.on('transfer.request', (payload, answer) => {
    commands.push({ name: 'transfer.request', payload });
    const { kind } = payload.request;
    answer({ ok: true, value: kind === 'copy' ? { kind, text: copiedText } : { kind } });
  });

  for (const name of ['recording.start', 'recording.stop', 'recording.delete'] as const)
    socket.on(name, (payload: object, answer: (ack: typeof ok) => void) => {
      commands.push({ name, payload: { ...payload } });
      answer(ok);
    });
  socket.on('recording.read', (payload, answer) => {
    commands.push({ name: 'recording.read', payload });
    const { offset, length } = payload;
    answer({
      ok: true,
      value: { bytes: options.film?.subarray(offset, offset + length) ?? new Uint8Array() },
    });
  });

  const connect = async (): Promise<void> => {
    const registered = new Promise<void>((resolve, reject) => {
      socket.once('connect', () => void register().then(() => resolve(), reject));
    });
    socket.connect();
    await registered;
    socket.off('connect');
    // As a real node does after every reconnection; the test may end in the middle of one.
    socket.on('connect', () => void register().catch(() => undefined));
  };
  await connect();
  return {
    commands,
    running,
    commandsNamed: (name) => commands.filter((command) => command.name === name),
    tell,
    connect,
    tellRecording: async (told) => socket.emitWithAck('recording.told', told),
    showView: (told) => socket.emit('session.view', told),
    hang: () => {
      isHanging = true;
      clearInterval(timer);
    },
    disconnect: () => {
      clearInterval(timer);
      socket.disconnect();
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      socket.disconnect();
    },
  };
}

function reports(running: ReadonlyMap<string, StartSession>): NodeRegistration['sessions'] {
  return Array.from(running.values(), ({ sessionId, incarnation }) => ({
    ...{ sessionId, incarnation },
    state: 'streaming' as const,
    participants: [],
    controller: null,
  }));
}

/** A storage node's end of the link, with a DICOMweb address of the test's choice. */
export async function connectStorageNode(
  broker: TestBroker,
  studies: readonly StudySummary[],
  baseUrl = 'https://127.0.0.1:1/dicomweb',
): Promise<
  AsyncDisposable & {
    sinceChange: number;
    push(studies: readonly StudySummary[]): Promise<Ack<null>>;
    tellQuarantined(news: readonly QuarantineNews[]): Promise<Ack<null>>;
    tellRulings(rulings: readonly Ruling[]): Promise<Ack<null>>;
    /** What it was told of application entities, the latest last. */
    registries: readonly ToldRegistry[];
    /** What it was asked to sign and to revoke. */
    certificateCommands: readonly unknown[];
    /** From now on it tells with each heartbeat what it sees of them. */
    tellEntities(entities: readonly EntityStatus[]): void;
    tellHealth(health: StorageHealth): void;
  }
> {
  const nodeId = nodeIdSchema.parse('storage-1');
  const socket: Socket<BrokerToNode, NodeToBroker> = io(`${broker.url}/node`, {
    auth: { token: await broker.nodeToken('storage-1', 'storage') },
    transports: ['websocket'],
    reconnectionDelay: 50,
    reconnectionDelayMax: 100,
  });
  const register = async (): Promise<StorageWelcome> => {
    const registration = {
      nodeId,
      version: '0.1.0',
      baseUrl,
      aeTitle: 'MEDUSA',
      dicomPort: 11_112,
      indexId: 'index-1',
    };
    const ack = await socket.emitWithAck('storage.register', registration);
    if (!ack.ok) throw new Error(ack.problem.title);
    return ack.value;
  };
  const push = async (changed: readonly StudySummary[]): Promise<Ack<null>> =>
    socket.emitWithAck('study.changed', changed);
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  const { sinceChange } = await register();
  // The test may end in the middle of one.
  socket.on('connect', () => void register().catch(() => undefined));
  const registries: ToldRegistry[] = [];
  let seen: readonly EntityStatus[] | undefined;
  let health: StorageHealth | undefined;
  socket.on('registry.take', (registry, answer) => {
    registries.push(registry);
    answer({ ok: true, value: null });
  });
  socket.on('entity.echo', (_request, answer) => {
    answer({
      ok: true,
      value: { at: new Date().toISOString(), isReachable: true, words: 'It answers, without TLS', ms: 3 },
    });
  });
  const certificateCommands: unknown[] = [];
  socket.on('certificate.sign', (request, answer) => {
    certificateCommands.push({ sign: request });
    const endsAt = new Date(Date.now() + 1_000_000).toISOString();
    const pem = (label: string): string => `-----BEGIN CERTIFICATE-----\n${label}\n-----END CERTIFICATE-----`;
    const value = { certificate: pem('LEAF'), authorities: pem('CA'), fingerprint256: 'AB:CD', endsAt };
    answer({ ok: true, value });
  });
  socket.on('certificate.revoke', (request, answer) => {
    certificateCommands.push({ revoke: request });
    answer({ ok: true, value: null });
  });
  const timer = setInterval(() => {
    const registryRevision = registries.at(-1)?.revision;
    socket.emit('storage.heartbeat', {
      ...(seen && { entities: [...seen] }),
      ...(health && { health }),
      ...(registryRevision !== undefined && { registryRevision }),
      freeBytes: 1,
      associations: 0,
      studies: studies.length,
      instances: 1,
      conflicts: 0,
      refusedAssociations: 0,
    });
  }, heartbeatMs);
  if (studies.length > 0) await push(studies);
  return {
    sinceChange,
    push,
    registries,
    certificateCommands,
    tellEntities(entities) {
      seen = entities;
    },
    tellHealth(told) {
      health = told;
    },
    tellQuarantined: async (news) => socket.emitWithAck('object.quarantined', news),
    tellRulings: async (rulings) => socket.emitWithAck('study.ruled', rulings),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      socket.disconnect();
    },
  };
}

export function testStudy(number: number, overrides: Partial<StudySummary> = {}): StudySummary {
  return {
    studyInstanceUID: `1.2.3.${number}`,
    patientName: 'DOE^JANE',
    patientID: `P${number}`,
    patientBirthDate: '19700101',
    patientSex: 'F',
    accessionNumber: `A${number}`,
    studyID: '1',
    studyDate: `202601${String(number).padStart(2, '0')}`,
    studyTime: '101500',
    studyDescription: 'CT chest',
    referringPhysicianName: '',
    modalitiesInStudy: ['CT'],
    numberOfStudyRelatedSeries: 1,
    numberOfStudyRelatedInstances: 40,
    firstReceivedAt: '2026-01-02T10:00:00Z',
    lastReceivedAt: '2026-01-02T10:00:00Z',
    receivedFrom: 'PACS',
    change: number,
    ...overrides,
  };
}
