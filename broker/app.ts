import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Application } from '@medusa/protocol';
import type { Logger } from 'pino';
import { Server } from 'socket.io';
import { openAdmission, type AdmissionParts } from './admission.ts';
import { startAgreements } from './agreements.ts';
import { createPreWarming } from './capacity/index.ts';
import { brokerActor, createAuditTrail, type AuditTrail } from './audit/index.ts';
import type { BrokerConfig } from './config.ts';
import { readHealth } from './health.ts';
import {
  adminRoutes,
  agreementRoutes,
  capacityRoutes,
  createAuthenticate,
  createHttpApp,
  createMetrics,
  dicomwebRoutes,
  frameRoutes,
  alarmRoutes,
  entityRoutes,
  joinRoutes,
  manifestRoutes,
  occiMount,
  occiRoutes,
  operationsRoutes,
  provisionRoutes,
  publicRoutes,
  quarantineRoutes,
  retentionRoutes,
  recordingRoutes,
  reservationRoutes,
  serviceRoutes,
  sessionRoutes,
  studyRoutes,
  toOpenApi,
  type RouteDefinition,
} from './http/index.ts';
import { openBrokerKeys } from './identity/index.ts';
import { openLogin, type OpenedLogin } from './login.ts';
import { applicationsDir, loadCatalogue } from './manifest/index.ts';
import { createKeyImages, type KeyImages } from './key-image/index.ts';
import { NodeRegistry } from './node/index.ts';
import {
  createAuditStore,
  createGuestStore,
  createInvitationStore,
  createJoinStore,
  createKeyImageStore,
  createNodeStore,
  createOcciStore,
  createPreWarmStore,
  createRecordingStore,
  createRoomStore,
  createServiceStore,
  createSessionStore,
  createSessionViewStore,
  createAlarmStore,
  createEntityStore,
  createStudyStore,
  deleteExpiredLogins,
  openDatabase,
  type Db,
} from './persistence/index.ts';
import { createAlarms } from './alarm/index.ts';
import { createEntities } from './entity/index.ts';
import { createRecordings, type Recordings } from './recording/index.ts';
import { openOcci } from './occi/index.ts';
import { driverDefinitions } from './provision/drivers/index.ts';
import { createSeal } from './provision/credentials/index.ts';
import { createJoining, type Joining } from './provision/guest/index.ts';
import { serveClients, serveNodes } from './realtime/index.ts';
import { createInvitations, Rooms, type Invitations } from './room/index.ts';
import { startProvisioning } from './provisioning.ts';
import { startServices } from './services.ts';
import { loadSecrets } from './secrets.ts';
import { createTransfers, measurePaths, Sessions, SessionViews } from './session/index.ts';
import { StudyIndex } from './study/index.ts';

export type BrokerDeps = { readonly log: Logger };
export type Broker = AsyncDisposable & {
  /** The public URL. */
  readonly url: string;
  /** Stops serving. Sessions and render nodes go on; the next broker adopts them. */
  close(): Promise<void>;
};

/** A broker that ends loses at most so much of what it measured. */
const linkExchangeMs = 30_000;

export const brokerVersion = '0.1.0';

/** Starts everything in order; what was started is stopped again when a later part fails. */
export async function startBroker(config: BrokerConfig, { log }: BrokerDeps): Promise<Broker> {
  await using starting = new AsyncDisposableStack();
  let isClosing = false;
  const report = (error: unknown): void => {
    // What is cut off by the end of the broker is no fault of anybody.
    log[isClosing ? 'debug' : 'error']({ err: error }, 'something failed that nobody awaits');
  };
  const secrets = await loadSecrets(config.secretsDir, config.externalIssuer === undefined);
  const catalogue = await loadCatalogue(applicationsDir);
  const { applications } = catalogue;
  const keys = await openBrokerKeys(secrets.signingKey);
  const db = await openDatabase(config.databaseUrl, report);
  starting.defer(async () => db.destroy());

  let serve: RequestListener = (_req, res) => void res.writeHead(503, { 'retry-after': '1' }).end();
  const tls = { cert: secrets.certificate, key: secrets.certificateKey, minVersion: 'TLSv1.2' as const };
  const server = createServer(tls, (req, res) => serve(req, res));
  const port = await listen(server, config);
  starting.defer(async () => closeServer(server));
  const publicUrl = config.publicUrl ?? `https://localhost:${port}`;

  const features = await openFeatures({ config, db, report, keys, applications, publicUrl, log });
  const { audit, joining, links, nodes, recordings, sessions, rooms, studies } = features;
  starting.defer(async () => {
    await sessions.settled();
    await nodes.settled();
  });
  const provisioning = starting.use(
    await startProvisioning({
      ...features,
      config,
      secrets,
      db,
      keys,
      applications,
      publicUrl,
      port,
      log,
      report,
    }),
  );
  const agreementWork = starting.use(startAgreements({ ...features, db, log, report }));
  const { agreements } = agreementWork;
  const { databaseUrl } = config;
  const services = starting.use(
    startServices({ db, databaseUrl, provisioning, agreements, catalogue, report }),
  );
  const preWarming = createPreWarming({
    ...{ store: createPreWarmStore(db), reserving: features.reserving },
    ...{ pools: async () => provisioning.pools(), now: () => new Date() },
  });
  const login = await openLogin({ config, secrets, publicUrl, db, audit, report });
  const authenticate = createAuthenticate({ verify: login.verify, keys, audit: login.loginAudit });
  const transfers = createTransfers({ ...config.transfers, applications, nodes, audit });
  const entities = createEntities({ store: createEntityStore(db), nodes, now: () => new Date(), report });
  const alarms = createAlarms({
    ...{ store: createAlarmStore(db), nodes, audit, log, now: () => new Date() },
    watched: async () => entities.watched(),
    holdMs: config.alarmHoldMs,
  });
  const metrics = createMetrics({ sessions, nodes, alarms });
  const publicHost = new URL(publicUrl).host;
  const occi = openOcci({
    root: { origin: new URL(publicUrl).origin, mount: occiMount },
    ...{ provisioning, nodes, sessions, store: createOcciStore(db), report, now: Date.now },
    ...{ agreements, services, manifests: [...catalogue.manifests.keys()] },
    serviceRecords: async () => createServiceStore(db).list(),
    senders: async () => features.studies.senders(),
    guests: createGuestStore(db, createSeal(secrets.providerKeys)),
    newId: () => `occi-${randomBytes(4).toString('hex')}`,
  });
  const routes: RouteDefinition[] = [
    ...publicRoutes({
      ...{ clientId: config.clientId, version: brokerVersion, publicHost: new URL(publicUrl).hostname },
      ...{ applications, nodes, keys, authenticate, issuer: login.issuer },
      hasWatermark: config.hasWatermark,
    }),
    ...sessionRoutes(features),
    ...recordingRoutes(features),
    ...frameRoutes({ sessions, tellFrames: agreementWork.tellFrames }),
    ...reservationRoutes(features),
    ...studyRoutes({ studies, audit }),
    ...adminRoutes({ nodes, audit, transfers }),
    ...quarantineRoutes({ nodes, keys, audit }),
    ...retentionRoutes({ nodes, studies, keys, audit }),
    ...entityRoutes({ entities, audit }),
    ...alarmRoutes({ alarms }),
    ...provisionRoutes({ provisioning, audit, definitions: driverDefinitions }),
    ...capacityRoutes({ ...features, preWarming, provisioning, now: () => new Date() }),
    ...agreementRoutes({ agreements, audit, keys }),
    ...serviceRoutes({ services, audit }),
    ...joinRoutes({ joining, now: Date.now }),
    ...manifestRoutes({ catalogue, provisioning }),
    ...occiRoutes({ server: occi, audit }),
    ...dicomwebRoutes({ nodes, studies, sessions, keys, audit, links, publicHost }),
    ...operationsRoutes({
      readHealth: async () => readHealth({ db, nodes, sessions }),
      readMetrics: async () => metrics.read(),
      readOpenApi: () => toOpenApi(routes, brokerVersion),
      authenticate,
    }),
  ];
  serve = createHttpApp({ ...httpOptions(config, login), routes, authenticate, audit, metrics, log });

  const io = new Server(server, {
    path: '/socket.io',
    serveClient: false,
    maxHttpBufferSize: 4_000_000,
    pingInterval: 10_000,
    pingTimeout: 8_000,
  });
  starting.defer(async () => io.close());
  serveNodes(io, {
    keys,
    joining,
    nodes,
    sessions,
    studies,
    recordings,
    audit,
    entities,
    alarms,
    links,
    log,
  });
  starting.use(
    serveClients(io, {
      ...{ verify: login.verify, audit: login.loginAudit },
      ...{ sessions, rooms, recordings, nodes, studies, transfers, provisioning, links, log },
    }),
  );

  await sessions.restore();
  await rooms.restore();
  await recordings.restore();
  starting.use(
    every(config.sweepMs, report, async () => {
      nodes.sweep();
      await rooms.sweep();
      await recordings.sweep();
      await sessions.sweep();
    }),
  );
  starting.use(every(config.sweepMs, report, async () => alarms.tick()));
  starting.use(every(linkExchangeMs, report, async () => features.links.exchange()));
  starting.use(every(config.agreementMs, report, agreementWork.tick));
  starting.use(
    every(config.preWarmMs, report, async () => {
      if (await preWarming.tick()) await provisioning.demandChanged();
    }),
  );
  starting.use(every(3_600_000, report, async () => deleteExpiredLogins(db)));

  log.info({ url: publicUrl, issuer: login.issuer }, 'broker serves');
  const running = starting.move();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    isClosing = true;
    await (closing ??= running.disposeAsync());
  };
  return { url: publicUrl, close, [Symbol.asyncDispose]: close };
}

type Features = AdmissionParts & {
  readonly audit: AuditTrail;
  readonly nodes: NodeRegistry;
  readonly studies: StudyIndex;
  readonly sessions: Sessions;
  readonly rooms: Rooms;
  readonly invitations: Invitations;
  readonly keyImages: KeyImages;
  readonly recordings: Recordings;
  readonly joining: Joining;
};

async function openFeatures(options: {
  config: BrokerConfig;
  db: Db;
  report: (error: unknown) => void;
  keys: Awaited<ReturnType<typeof openBrokerKeys>>;
  applications: readonly Application[];
  publicUrl: string;
  log: Logger;
}): Promise<Features> {
  const { config, db, report, keys, applications, publicUrl, log } = options;
  const now = (): Date => new Date();
  const audit = createAuditTrail(createAuditStore(db), now);
  const studies = new StudyIndex(createStudyStore(db), report);
  const nodes = new NodeRegistry(createNodeStore(db), { heartbeatMs: config.heartbeatMs, now, report });
  await nodes.load();
  nodes.events.on('moved', ({ id, state, reason }) => {
    log.info({ nodeId: id, state, reason }, 'node changed state');
    const detail = `${state}: ${reason}`;
    audit
      .record({ action: 'node.changed', actor: brokerActor, objectType: 'node', objectId: id, detail })
      .catch(report);
  });
  const { joinSeconds, seatSeconds, storageRoutes } = config;
  const store = createSessionStore(db);
  const admission = openAdmission({ db, nodes, now });
  const sessions = new Sessions({
    ...admission,
    store,
    nodes,
    studies,
    audit,
    keys,
    applications,
    storageRoutes,
    views: new SessionViews(createSessionViewStore(db), report),
    now,
    report,
    joinSeconds,
  });
  sessions.events.on('changed', ({ id, state }) => log.debug({ sessionId: id, state }, 'session changed'));
  measurePaths({ ...admission, sessions, nodes });
  const rooms = new Rooms({ store: createRoomStore(db), sessions, nodes, audit, now, report, seatSeconds });
  const invitations = createInvitations({
    store: createInvitationStore(db),
    sessions,
    audit,
    publicUrl,
    now,
  });
  const keyImages = createKeyImages({ store: createKeyImageStore(db), sessions, audit, now });
  const recordings = createRecordings({
    ...config.recording,
    ...{ store: createRecordingStore(db), rooms, sessions, nodes, audit, now, report },
  });
  const joining = createJoining({ keys, store: createJoinStore(db), audit, now, report });
  return {
    ...admission,
    audit,
    nodes,
    studies,
    sessions,
    rooms,
    invitations,
    keyImages,
    recordings,
    joining,
  };
}

function httpOptions(
  { clientDir, externalIssuer }: BrokerConfig,
  { provider }: OpenedLogin,
): Pick<Parameters<typeof createHttpApp>[0], 'clientDir' | 'issuerOrigin' | 'provider'> {
  const issuerOrigin = externalIssuer === undefined ? undefined : new URL(externalIssuer).origin;
  return { clientDir, issuerOrigin, provider };
}

/** Runs now and then again after each pause, never twice at once. Disposing waits for the run under way. */
function every(pauseMs: number, report: (error: unknown) => void, act: () => Promise<void>): AsyncDisposable {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const run = async (): Promise<void> => {
    try {
      await act();
    } catch (error) {
      if (!isStopped) report(error);
    }
    if (!isStopped)
      timer = setTimeout(() => {
        running = run();
      }, pauseMs);
  };
  let running = run();
  return {
    async [Symbol.asyncDispose]() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

async function listen(
  server: ReturnType<typeof createServer>,
  { httpsPort, bind }: BrokerConfig,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(httpsPort, bind, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

async function closeServer(server: ReturnType<typeof createServer>): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
