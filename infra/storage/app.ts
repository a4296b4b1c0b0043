import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { TypedEmitter } from '@medusa/kernel';
import type { StorageHeartbeat, StorageRegistration } from '@medusa/protocol';
import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import type { StorageConfig } from './config.ts';
import { openAccessLog } from './access/access-log.ts';
import { noteRefusal } from './access/dicom-access.ts';
import { WorkerPool } from './dicom/worker-pool.ts';
import { createDrain } from './availability/drain.ts';
import type { HandedSockets } from './availability/handed-sockets.ts';
import { openPeers } from './availability/peers.ts';
import { openRulings } from './availability/rulings.ts';
import { createDicomwebApp } from './dicomweb/dicomweb-app.ts';
import { startHttps, type HttpsServers } from './dicomweb/https-server.ts';
import { startDimseServer, type DimseServerOptions } from './dimse/dimse-server.ts';
import { createServices } from './create-services.ts';
import { openEntities } from './entities/open-entities.ts';
import { startProber } from './entities/prober.ts';
import { createHealth } from './health.ts';
import { createIngest, type Ingest, type IngestDeps, type IngestEvents } from './ingest/ingest.ts';
import { recover } from './ingest/recover.ts';
import { JobQueue } from './index/jobs.ts';
import { startBackups } from './index/backup.ts';
import { holdsKind } from './index/retrieval.ts';
import { indexIdOf, openStudyIndex, totalsOf } from './index/study-index.ts';
import { BrokerLink } from './link/broker-link.ts';
import { nodeTokenFor } from './link/join.ts';
import { createMeters, type Meters } from './metrics.ts';
import { openObjects } from './objects/open-objects.ts';
import { openQuarantine } from './quarantine/quarantine.ts';
import { startRescan } from './quarantine/rescan.ts';
import { clamdScanner, parseScannerAddress, type Scanner } from './quarantine/scanner.ts';
import { createClaims } from './retention/claims.ts';
import { startKeeper } from './retention/keeper.ts';
import { openPolicy } from './retention/policy.ts';
import { createQuota } from './retention/quota.ts';
import { deleteDoomed } from './retention/removal.ts';
import { retentionRoutes } from './retention/retention-routes.ts';
import { startWorkers } from './routing/start-routing.ts';
import { keepCertificates, type KeptCertificates } from './tls/keep-certificates.ts';

export type StorageNodeDeps = {
  readonly log: Logger;
  /** The broker's keys; by default they are fetched from it. */
  readonly keys?: JWTVerifyGetKey;
  /** That listen already; instead of those of the settings. */
  readonly sockets?: HandedSockets;
};

/** A running storage node. Closing ends the associations, keeps what is stored, and leaves nothing running. */
export interface StorageNode extends AsyncDisposable {
  /** Plaintext; that of TLS when there is no plaintext. */
  readonly dicomPort: number;
  readonly dicomTlsPort: number | undefined;
  readonly httpsPort: number;
  /** Takes nothing new, finishes what is under way as far as the limit lets it, and has its peers take over the rest. Then close it. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const version = '0.1.0';
/** A header takes milliseconds. A whole volume may have to be decoded. */
const headerMs = 20_000;
const pixelsMs = 300_000;

export async function startStorageNode(
  config: StorageConfig,
  { log, keys, sockets }: StorageNodeDeps,
): Promise<StorageNode> {
  await using starting = new AsyncDisposableStack();
  await mkdir(config.directory, { recursive: true, mode: 0o700 });
  const index = starting.use(openStudyIndex(path.join(config.directory, 'index.sqlite')));
  const opened = starting.use(await openObjects(config, { index, log }));
  const { objects } = opened;
  const headers = starting.use(new WorkerPool({ threads: 2, taskMs: headerMs, ready: 1 }));
  const pixels = starting.use(new WorkerPool({ threads: 2, taskMs: pixelsMs }));
  const report = (error: unknown): void => log.error({ err: error }, 'a listener failed');
  const access = starting.use(
    openAccessLog(path.join(config.directory, 'access.sqlite'), { now: () => new Date(), report }),
  );
  const events = new TypedEmitter<IngestEvents>(report);
  const quarantine = openQuarantine(index, objects, report);
  const scanner = scannerOf(config);
  const claims = createClaims();
  const policy = await openPolicy(config.retention, log);
  const rulings = openRulings(index, report);
  const now = (): Date => new Date();
  const ingestDeps: IngestDeps = {
    objects,
    index,
    headers,
    events,
    now: () => new Date(),
    reserveBytes: config.reserveMiB * 1024 * 1024,
    defence: { policy: config, quarantine, scanner },
    claims,
    quota: createQuota(index, policy),
  };
  const removing = { index, objects, rulings, claims, log };
  // What was removed may not be found again as an object without a row.
  await deleteDoomed(removing);
  await recover(ingestDeps, log);

  const jobs = new JobQueue(index);
  const entities = starting.use(await openEntities(config, { log, report }));
  const { registry } = entities;
  const certificates = await certificatesFor(config, log);
  if (certificates) starting.use(certificates);
  const certificateEndsAt = async (): Promise<Date | undefined> =>
    (await certificates?.trust.current())?.own.validToDate;

  let associations = (): number => 0;
  const meters = createMeters({
    totals: () => totalsOf(index),
    associations: () => associations(),
    freeBytes: async () => objects.freeBytes(),
    certificateEndsAt,
    jobs: () => jobs.counts(),
    quarantined: () => quarantine.total(),
    untold: () => access.total(),
  });
  opened.registerMeters(meters.registry);
  const ingest = entities.counted(measured(createIngest(ingestDeps), meters));
  if (scanner)
    starting.use(startRescan({ quarantine, objects, ingest, scanner, everyMs: config.rescanMs, log }));
  const peers = starting.use(
    await openPeers(config, { index, objects, ingest: createIngest(ingestDeps), events, rulings, log }),
  );
  peers.registerMeters(meters.registry);
  const backups = starting.use(
    await startBackups(config.backupHours, { index, folder: path.join(config.directory, 'backup'), log }),
  );
  backups.registerMeters(meters.registry);
  const keeper = starting.use(
    startKeeper({ ...removing, source: policy, peers, now, everyMs: config.retentionMs }),
  );
  keeper.registerMeters(meters.registry);
  const jwks = keys ?? brokerKeys(config.brokerUrl);
  const draining = createDrain();
  const web = createDicomwebApp({
    index,
    objects,
    pixels,
    ingest,
    quarantine,
    access,
    keys: jwks,
    metrics: meters.registry,
    peers: peers.routes,
    retention: retentionRoutes({ rulings, keeper, now, log }),
    isReady: () => draining.isReady(),
    log,
  });
  const https = starting.use(await startHttps({ ...config, sharedDescriptor: sockets?.dicomweb }, web));
  const dimseDeps = {
    index,
    objects,
    headers,
    registry,
    jobs,
    aeTitle: config.aeTitle,
    caller: {
      callingTitle: config.aeTitle,
      times: config,
      trust: certificates && (async () => certificates.trust.current()),
    },
    log,
  };
  const routing = starting.use(startWorkers({ ...dimseDeps, ingest, access, book: entities.book }));
  starting.use(events.on('study.changed', () => routing.arrived()));
  starting.use(registry.events.on('taken', () => routing.wake()));
  const dimse = starting.use(
    await startDimseServer(
      {
        bind: config.bind,
        ...portsOf(config, { certificates, sockets }),
        mostAssociations: config.mostAssociations,
        handshakeMs: config.artimMs,
      },
      {
        policy: config,
        registry,
        ingest,
        services: createServices({ ...dimseDeps, access, wake: () => routing.wake() }),
        holds: (sopClassUID, transferSyntaxUID) => holdsKind(index, { sopClassUID, transferSyntaxUID }),
        log,
        refused(refusal) {
          meters.associationRefused();
          noteRefusal(access, refusal);
          entities.refused(refusal);
        },
        admitted: (title, certificate) => entities.admitted(title, certificate),
      },
    ),
  );
  associations = () => dimse.associations();
  const dicomPort = dimse.port ?? dimse.tlsPort ?? 0;

  const prober = starting.use(
    startProber({ registry, book: entities.book, caller: dimseDeps.caller, everyMs: config.probeMs, log }),
  );
  const health = createHealth({
    directory: config.directory,
    reserveBytes: ingestDeps.reserveBytes,
    metrics: meters.registry,
    ingestSeconds: () => meters.ingestSeconds(),
  });
  const heartbeat = async (): Promise<StorageHeartbeat> => ({
    ...totalsOf(index),
    freeBytes: await objects.freeBytes(),
    associations: dimse.associations(),
    refusedAssociations: meters.refusedAssociations(),
    quarantined: quarantine.total(),
    ...entities.heartbeat({ quarantined: quarantine.bySender(), jobs: jobs.states() }),
    health: await health(),
    dicomCertificateEndsAt: (await certificateEndsAt())?.toISOString(),
  });
  const registration = registrationOf(config, { https, dicomPort, indexId: indexIdOf(index) });
  // Last, as a token can be shown but once: a machine that could not serve anyway keeps it.
  const token = config.nodeToken ?? (await join(config, log));
  const link = starting.use(
    new BrokerLink(
      { brokerUrl: config.brokerUrl, token, registration },
      {
        ...{ index, events, quarantine, access, rulings, heartbeat, log },
        commands: { registry, prober },
        certificates: { store: certificates?.store },
      },
    ),
  );

  const running = starting.move();
  let closing: Promise<void> | undefined;
  const drain = async (): Promise<void> => draining.begin({ times: config, link, https, dimse, peers, log });
  const close = async (): Promise<void> => (closing ??= running.disposeAsync());
  const { tlsPort: dicomTlsPort } = dimse;
  const { port: httpsPort } = https;
  log.info({ dicomPort, dicomTlsPort, httpsPort, aeTitle: config.aeTitle }, 'storage node ready');
  return { dicomPort, dicomTlsPort, httpsPort, drain, close, [Symbol.asyncDispose]: close };
}

type Ports = { readonly https: HttpsServers; readonly dicomPort: number; readonly indexId: string };

function registrationOf(config: StorageConfig, { https, dicomPort, indexId }: Ports): StorageRegistration {
  const { nodeId, aeTitle, zone, serviceUrl, address, bind, peers } = config;
  return {
    nodeId,
    version,
    baseUrl: serviceUrl ?? `https://${address ?? bind}:${https.sharedPort ?? https.port}/dicomweb`,
    aeTitle,
    dicomPort,
    indexId,
    ...(zone !== undefined && { zone }),
    peers: peers.map((peer) => peer.nodeId),
  };
}

function scannerOf({ clamd, clamdMs }: StorageConfig): Scanner | undefined {
  const address = clamd === undefined ? undefined : parseScannerAddress(clamd);
  return address && clamdScanner(address, { timeLimitMs: clamdMs });
}

/** Also without a port of our own for TLS, for the peers that must be called over it. */
async function certificatesFor(config: StorageConfig, log: Logger): Promise<KeptCertificates | undefined> {
  const isWanted = config.dicomTlsPort !== undefined || config.dicomPki !== undefined;
  return isWanted ? keepCertificates(config, log) : undefined;
}

function portsOf(
  { plaintext, dicomPort, dicomTlsPort }: StorageConfig,
  {
    certificates,
    sockets,
  }: { certificates: KeptCertificates | undefined; sockets: HandedSockets | undefined },
): Pick<DimseServerOptions, 'port' | 'descriptor' | 'tls'> {
  const isSecure = dicomTlsPort !== undefined && certificates !== undefined;
  return {
    port: plaintext === 'on' ? dicomPort : undefined,
    descriptor: sockets?.dicom,
    tls: isSecure
      ? { port: dicomTlsPort, descriptor: sockets?.['dicom-tls'], trust: certificates.trust }
      : undefined,
  };
}

async function join(
  { brokerUrl, nodeId, directory, joinToken }: StorageConfig,
  log: Logger,
): Promise<string> {
  if (joinToken === undefined) throw new Error('One of MEDUSA_NODE_TOKEN and MEDUSA_JOIN_TOKEN is needed');
  return nodeTokenFor({ brokerUrl, nodeId, directory, joinToken }, { log });
}

/** Kept for a day, so that sessions go on reading while the broker is away; an unknown key is asked for at once. */
function brokerKeys(brokerUrl: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL('/api/jwks.json', brokerUrl), {
    cacheMaxAge: 24 * 60 * 60 * 1000,
    cooldownDuration: 5_000,
  });
}

function measured(ingest: Ingest, meters: Meters): Ingest {
  return {
    async begin(meta, sender, header) {
      const arrival = await ingest.begin(meta, sender, header);
      return (
        arrival && {
          ...arrival,
          async complete() {
            const start = performance.now();
            const outcome = await arrival.complete();
            meters.objectTaken(outcome.kind, (performance.now() - start) / 1000);
            return outcome;
          },
        }
      );
    },
  };
}
