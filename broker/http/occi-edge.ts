import { AppError, problems, type ProblemCode, type Role } from '@medusa/protocol';
import type { RequestHandler, Response } from 'express';
import type { AuditTrail } from '../audit/index.ts';
import { checkVersion, mediaTypes, occiVersion, type OcciServer } from '../occi/index.ts';
import { auditedAnswer } from './occi/audited-answer.ts';
import { answerTypeOf, readRequest } from './occi/read-request.ts';
import { sendReply } from './occi/send-reply.ts';
import { streamRoute, type RouteDefinition } from './route.ts';

type OcciRoutesDeps = {
  readonly server: OcciServer;
  readonly audit: AuditTrail;
};

/** Where OCCI is mounted. */
export const occiMount = '/occi';
/** GFD.223 §7: discovery at the root of the server, and where RFC 8615 has it. */
const discoveryPaths = ['/-/', '/.well-known/org/ogf/occi/-/'];
const summaries = {
  get: 'OCCI 1.2: read instances, collections and categories (GFD.223)',
  post: 'OCCI 1.2: create, change, tag, or call an action (GFD.223)',
  put: 'OCCI 1.2: create with an id, replace (GFD.223)',
  delete: 'OCCI 1.2: delete, or take off a tag (GFD.223)',
} as const;

/** OCCI's HTTP protocol. Who may do what with instances, their kinds say; categories are for all to read who are logged in. */
export function occiRoutes(deps: OcciRoutesDeps): RouteDefinition[] {
  const paths = [...discoveryPaths, `${occiMount}/`, `${occiMount}/*path`];
  const methods = ['get', 'post', 'put', 'delete'] as const;
  return methods.flatMap((method) => paths.map((path) => occiRoute(deps, method, path)));
}

function occiRoute(deps: OcciRoutesDeps, method: keyof typeof summaries, path: string): RouteDefinition {
  const isDefining = discoveryPaths.includes(path) && method !== 'get';
  const access: readonly Role[] = isDefining ? ['admin'] : ['radiologist', 'doctor', 'admin'];
  const definition = streamRoute({
    ...{ method, path, summary: summaries[method], access },
    stream: async ({ caller, req, res }) => {
      const type = answerTypeOf(req);
      const request = await readRequest({ req, res }, caller, path.startsWith(occiMount) ? occiMount : null);
      sendReply(res, type, { reply: await auditedAnswer(deps, request), mount: occiMount });
    },
  });
  return {
    ...definition,
    handler: (authenticate) => {
      const handle = definition.handler(authenticate);
      return async (req, res, next) => {
        announce(res);
        try {
          checkVersion(req.headers['user-agent']);
          await handle(req, res, next);
        } catch (error) {
          throw asOcci(error, res);
        }
      };
    },
  };
}

/** GFD.223 §5.2: on every answer, those that refuse too. */
function announce(res: Response): void {
  res.setHeader('server', `medusa ${occiVersion}`);
  res.setHeader('accept', mediaTypes.join(', '));
  res.setHeader('cache-control', 'no-store');
}

const plainer: Readonly<Record<number, ProblemCode>> = {
  410: 'resource.conflict',
  422: 'request.malformed',
  502: 'occi.unavailable',
};

/** Clients know the status codes of GFD.223 §5.4 alone: what does not fit its schema is a bad request to them. */
function asOcci(error: unknown, res: Response): unknown {
  if (!(error instanceof AppError)) return error;
  const { allow } = error.details;
  if (Array.isArray(allow)) res.setHeader('allow', allow.join(', '));
  const known = plainer[problems[error.code].status];
  return known ? new AppError(known, error.message, { cause: error, ...error.details }) : error;
}

/** For what no route has: another method, or a path beside discovery. */
export function refuseTheRest(): RequestHandler {
  return (req, res) => {
    announce(res);
    if (Object.hasOwn(summaries, req.method.toLowerCase()))
      throw new AppError('route.unknown', 'There is nothing at this address');
    res.setHeader('allow', 'GET, HEAD, POST, PUT, DELETE');
    throw new AppError('occi.method-refused', 'OCCI has no such method');
  };
}
