import { AppError, type StudyTokenClaims } from '@medusa/protocol';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Access, AccessEnd, AccessLog } from './access-log.ts';

/** What a route tells of its answer. */
type Told = Partial<Pick<AccessEnd, 'objects' | 'studies'>>;

const searches = /(?:^|\/)(studies|series|instances)\/?$/;
const withinStudy = /^\/studies\/([^/]+)(\/|$)/;

/** Writes down each request before it is answered; readings of one study by one bearer are gathered for some seconds. */
export function auditRequests(access: Pick<AccessLog, 'begin' | 'count'>): RequestHandler {
  return (req, res, next) => {
    const { path, method } = req;
    const claims = res.locals['claims'] as StudyTokenClaims;
    const study = withinStudy.exec(path)?.[1];
    const common = (): Pick<Access, 'requestor' | 'session' | 'studies'> => ({
      requestor: { id: claims.sub.slice(0, 255), address: req.socket.remoteAddress ?? '' },
      ...(claims.session !== undefined && { session: claims.session.slice(0, 64) }),
      studies: study === undefined ? [] : [study.slice(0, 64)],
    });
    const search = method === 'GET' ? searches.exec(path)?.[1] : undefined;
    if (method === 'POST' || search !== undefined) {
      const described: Access =
        search === undefined
          ? { ...common(), kind: 'store', service: 'STOW-RS' }
          : {
              ...common(),
              kind: 'query',
              service: 'QIDO-RS',
              level: search,
              query: queryOf(req.originalUrl),
            };
      const end = access.begin(described);
      res.once('close', () => end({ objects: 0, ...toldOf(res), ...endOf(res) }));
    } else {
      const key = `${claims.sub}|${claims.session ?? ''}|${req.socket.remoteAddress}|${study}`;
      const correct = access.count(key, () => ({ ...common(), kind: 'retrieve', service: 'WADO-RS' }));
      res.once('close', () => {
        const ended = endOf(res);
        if (ended.outcome !== 'success') correct(ended);
      });
    }
    next();
  };
}

const refusals: readonly string[] = ['identity.required', 'identity.rejected', 'access.refused'];

/**
 * Writes down who was not let in. One address that tries again and again is one record, and what its token says is not believed unless its
 * signature was.
 */
export function auditRefusals(access: Pick<AccessLog, 'count'>): ErrorRequestHandler {
  // eslint-disable-next-line max-params -- express knows an error handler by its four parameters
  return (error: unknown, req, res, next) => {
    if (error instanceof AppError && refusals.includes(error.code)) {
      const claims = res.locals['claims'] as StudyTokenClaims | undefined;
      const requestor = {
        id: claims?.sub.slice(0, 255) ?? 'unknown',
        address: req.socket.remoteAddress ?? '',
      };
      access.count(
        `${requestor.id}|${requestor.address}`,
        () => ({ kind: 'refusal', service: 'HTTPS', requestor }),
        { outcome: 'refused', status: error.message },
      );
    }
    next(error);
  };
}

/** For the record of this request, when it ends. */
export function tellAccess(res: Response, told: Told): void {
  res.locals['access'] = told;
}

function toldOf(res: Response): Told {
  return (res.locals['access'] as Told | undefined) ?? {};
}

function endOf(res: Response): Pick<AccessEnd, 'outcome' | 'status'> {
  const { statusCode } = res;
  const status = res.writableFinished ? String(statusCode) : `${statusCode}, cut off`;
  if (statusCode < 400) return { outcome: 'success', status };
  return { outcome: statusCode === 401 || statusCode === 403 ? 'refused' : 'failure', status };
}

function queryOf(url: string): string {
  const parameters = new URL(url, 'https://localhost').searchParams;
  return JSON.stringify(Object.fromEntries(parameters));
}
