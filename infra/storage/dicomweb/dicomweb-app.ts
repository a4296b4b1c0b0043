import { AppError } from '@medusa/protocol';
import express, { type Express, type Router } from 'express';
import type { JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { AccessLog } from '../access/access-log.ts';
import { auditRefusals, auditRequests } from '../access/web-access.ts';
import { totalsOf } from '../index/study-index.ts';
import { quarantineRoutes } from '../quarantine/quarantine-routes.ts';
import type { ReleaseDeps } from '../quarantine/release.ts';
import { refuseAdministrators, requireStudyToken } from './authorization.ts';
import { frameRoutes } from './frames.ts';
import { problemHandler } from './problem.ts';
import { qidoRoutes } from './qido.ts';
import { renderedRoutes } from './rendered.ts';
import { stowRoutes } from './stow.ts';
import { wadoRoutes, type RetrieveDeps } from './wado.ts';

export type DicomwebDeps = RetrieveDeps &
  ReleaseDeps & {
    readonly access: Pick<AccessLog, 'begin' | 'count'>;
    readonly keys: JWTVerifyGetKey;
    readonly metrics: Registry;
    /** What the nodes that stand for this one ask; undefined: there are none. */
    readonly peers?: Router | undefined;
    readonly retention: Router;
    /** False when the node is about to end. */
    isReady(): boolean;
    readonly log: Logger;
  };

/** The DICOMweb origin server (PS3.18) under `/dicomweb`, and what operators ask. */
export function createDicomwebApp(deps: DicomwebDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.get('/healthz', (_req, res) => void res.json({ status: 'ok', ...totalsOf(deps.index) }));
  app.get('/readyz', (_req, res) => {
    const isReady = deps.isReady();
    res.status(isReady ? 200 : 503).json({ status: isReady ? 'ready' : 'draining' });
  });
  app.get('/metrics', async (_req, res) => {
    res.type(deps.metrics.contentType).send(await deps.metrics.metrics());
  });
  if (deps.peers) app.use('/peer', deps.peers);
  const refused = auditRefusals(deps.access);
  app.use(['/dicomweb', '/quarantine', '/retention'], requireStudyToken(deps.keys), refused);
  app.use('/dicomweb', auditRequests(deps.access), refuseAdministrators);
  for (const routes of [frameRoutes(deps), qidoRoutes(deps.index), renderedRoutes(deps), wadoRoutes(deps)])
    app.use('/dicomweb', routes);
  app.use('/dicomweb', stowRoutes(deps.ingest));
  app.use('/retention', deps.retention);
  app.use('/quarantine', quarantineRoutes(deps, deps.log));
  app.use(['/quarantine', '/retention'], refused);
  app.use(() => {
    throw new AppError('route.unknown', 'There is nothing at this address');
  });
  app.use(problemHandler(deps.log));
  return app;
}
