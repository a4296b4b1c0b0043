import { randomUUID } from 'node:crypto';
import { AppError, toProblem } from '@medusa/protocol';
import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';

/** The one place that knows both our errors and HTTP (RFC 9457). */
export function problemHandler(log: Logger): ErrorRequestHandler {
  // eslint-disable-next-line max-params -- express knows an error handler by its four parameters
  return (error: unknown, _req, res, next) => {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (isGone) return;
    const problem = toProblem(expected(error), `urn:uuid:${randomUUID()}`);
    if (problem.status >= 500) log.error({ err: error, instance: problem.instance }, 'request failed');
    else log.debug({ code: problem.code, instance: problem.instance }, 'request refused');
    if (res.headersSent) {
      next(error);
      return;
    }
    if (problem.status === 401) res.set('WWW-Authenticate', 'Bearer');
    // What was said of the good answer does not hold for this one.
    res.removeHeader('ETag');
    res.removeHeader('Content-Length');
    res.set('Cache-Control', 'no-store');
    res.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
}

/** Express's own: a path that cannot be decoded. */
function expected(error: unknown): unknown {
  if (error instanceof URIError) return new AppError('request.malformed', 'The address cannot be read');
  return error;
}
