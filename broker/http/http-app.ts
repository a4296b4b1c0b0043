import { existsSync } from 'node:fs';
import { join } from 'node:path';
import express, { type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { AuditTrail } from '../audit/index.ts';
import type { Authenticate } from './caller.ts';
import type { Metrics } from './metrics.ts';
import { refuseTheRest } from './occi-edge.ts';
import { problemHandler } from './problem.ts';
import type { RouteDefinition } from './route.ts';
import { unknownRoute } from './routes/public-routes.ts';
import { securityHeaders } from './security-headers.ts';

type HttpAppOptions = {
  readonly routes: readonly RouteDefinition[];
  readonly authenticate: Authenticate;
  readonly audit: AuditTrail;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clientDir: string;
  /** Of an external issuer: pages may talk to it. */
  readonly issuerOrigin: string | undefined;
  /** Where the embedded provider is mounted, if there is one. */
  readonly provider: { readonly path: string; readonly callback: RequestHandler } | undefined;
};

/** Everything that is served over HTTPS but the sockets. */
export function createHttpApp(options: HttpAppOptions): Express {
  const { routes, authenticate, audit, metrics, log, clientDir, provider } = options;
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(securityHeaders(options.issuerOrigin));
  app.use(timed(metrics));
  // Its own parsers read its bodies; it needs `originalUrl` to know where it is mounted.
  if (provider) app.use(provider.path, provider.callback);
  app.use('/api', express.json({ limit: '256kb' }));
  app.use('/api', express.text({ limit: '256kb', type: ['application/xml', 'text/xml'] }));
  for (const definition of routes) app[definition.method](definition.path, definition.handler(authenticate));
  app.use(['/occi', '/-', '/.well-known/org/ogf/occi'], refuseTheRest());
  app.use(['/api', '/dicomweb', '/realms', '/socket.io'], () => unknownRoute());
  app.use(...clientPages(clientDir));
  app.use(() => unknownRoute());
  app.use(problemHandler(log, audit));
  return app;
}

/** Files with a hash in their name never change; pages are asked for again each time. */
function clientPages(clientDir: string): [RequestHandler, RequestHandler] {
  const files = express.static(clientDir, {
    setHeaders: (res, path) => {
      const isHashed = path.startsWith(join(clientDir, 'assets'));
      res.set('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  const indexFile = join(clientDir, 'index.html');
  const fallback: RequestHandler = (req, res, next) => {
    const isPage =
      req.method === 'GET' && req.accepts(['html', 'json']) === 'html' && !/\.\w+$/.test(req.path);
    if (!isPage || /^\/(workstation|slides)\//.test(req.path) || !existsSync(indexFile)) {
      next();
      return;
    }
    res.set('cache-control', 'no-cache');
    res.sendFile(indexFile);
  };
  return [files, fallback];
}

function timed(metrics: Metrics): RequestHandler {
  return (req, res, next) => {
    const startedAt = performance.now();
    res.on('finish', () => {
      // The route's pattern, never the path: paths hold ids, and each would be a series of its own.
      const route = (req.route as { path?: string } | undefined)?.path ?? 'other';
      const labels = { method: req.method, route, status: String(res.statusCode) };
      metrics.observeRequest(labels, (performance.now() - startedAt) / 1000);
    });
    next();
  };
}
