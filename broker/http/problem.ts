import { randomUUID } from 'node:crypto';
import { AppError, toProblem } from '@medusa/protocol';
import type { ErrorRequestHandler, Request } from 'express';
import type { Logger } from 'pino';
import type { AuditActor, AuditTrail } from '../audit/index.ts';
import { addressOf } from './caller.ts';

/** The one place that knows both our errors and HTTP (RFC 9457). Writes refusals to the audit trail. */
export function problemHandler(log: Logger, audit: AuditTrail): ErrorRequestHandler {
  // eslint-disable-next-line max-params -- express knows an error handler by its four parameters
  return async (thrown: unknown, req, res, next) => {
    if (res.headersSent) {
      next(thrown);
      return;
    }
    const error = fromExpress(thrown);
    const problem = toProblem(error, `urn:uuid:${randomUUID()}`);
    if (problem.status >= 500) log.error({ err: error, instance: problem.instance }, problem.title);
    if (problem.status === 401 || problem.status === 403) {
      const actor = (res.locals['actor'] as AuditActor | undefined) ?? anonymous(req);
      const detail = `${problem.code} ${req.method}`;
      const fact = {
        action: 'access.refused',
        outcome: 'refused',
        actor,
        objectType: 'route',
        detail,
      } as const;
      await audit.recordOncePerMinute({ ...fact, objectId: placeOf(req, actor) });
    }
    if (problem.status === 401) res.set('www-authenticate', 'Bearer');
    res.set('cache-control', 'no-store');
    res.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
}

/** For strangers the route alone: made-up paths must not make a line each. */
function placeOf(req: Request, { id }: AuditActor): string {
  const pattern = (req.route as { path?: string } | undefined)?.path;
  return id === anonymousId && pattern !== undefined ? pattern : req.path.slice(0, 300);
}

const anonymousId = 'anonymous';

function anonymous(req: Request): AuditActor {
  return { id: anonymousId, name: 'not logged in', address: addressOf(req) };
}

/** Express and its parsers throw errors with a `status`. */
function fromExpress(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof AppError || !('status' in thrown)) return thrown;
  if (thrown.status === 413)
    return new AppError('request.too-large', 'The body is too large', { cause: thrown });
  const isOurs = typeof thrown.status === 'number' && thrown.status >= 500;
  return isOurs
    ? thrown
    : new AppError('request.malformed', 'The request could not be read', { cause: thrown });
}
