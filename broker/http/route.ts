import { AppError, parseInput, type Role } from '@medusa/protocol';
import type { Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import { hasAnyRole } from '../identity/index.ts';
import { addressOf, type Authenticate, type Caller, type UserCaller } from './caller.ts';

/** Who may call a route. There is no default: a route that does not say so does not compile. */
export type Access = 'public' | 'study-token-or-role' | readonly Role[];

type CallerOf<A extends Access> = A extends 'public'
  ? null
  : A extends 'study-token-or-role'
    ? Caller
    : UserCaller;

type Method = 'get' | 'post' | 'put' | 'delete';

/** What the server mounts and what OpenAPI is made from. */
export type RouteDefinition = {
  readonly method: Method;
  /** As express takes it, e.g. `/api/sessions/:id`. */
  readonly path: string;
  readonly summary: string;
  readonly access: Access;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly response: z.ZodType | undefined;
  readonly status: number;
  handler(authenticate: Authenticate): RequestHandler;
};

type Common<A extends Access> = {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly access: A;
};

type Reply<Value> = { readonly body: Value; readonly location?: string; readonly status?: number };

type JsonRoute<A extends Access, P, Q, B, R> = Common<A> & {
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  readonly response: z.ZodType<R>;
  readonly status?: number;
  handle(input: {
    caller: CallerOf<A>;
    params: P;
    query: Q;
    body: B;
    /** Of the peer. */
    address: string;
    signal: AbortSignal;
  }): Promise<Reply<NoInfer<R>>>;
};

/** Adapts a typed handler to express: who may, parse in, abort when the caller hangs up, parse out. */
export function route<const A extends Access, P = undefined, Q = undefined, B = undefined, R = unknown>(
  spec: JsonRoute<A, P, Q, B, R>,
): RouteDefinition {
  const { method, path, summary, access, params, query, body, response } = spec;
  const status = spec.status ?? 200;
  return {
    ...{ method, path, summary, access, params, query, body, response, status },
    handler: (authenticate) => async (req, res) => {
      const caller = await admit(access, authenticate, req);
      const reply = await spec.handle({
        caller,
        params: params ? parseInput(params, req.params) : (undefined as P),
        query: query ? parseInput(query, req.query) : (undefined as Q),
        body: body ? parseInput(body, req.body) : (undefined as B),
        address: addressOf(req),
        signal: goneSignal(res),
      });
      res.set('cache-control', 'no-store');
      if (reply.location !== undefined) res.location(reply.location);
      res.status(reply.status ?? status);
      // Parsed on the way out too: a field that the schema does not name never leaves.
      res.json(response.parse(reply.body));
    },
  };
}

type StreamRoute<A extends Access> = Common<A> & {
  stream(input: { caller: CallerOf<A>; req: Request; res: Response; signal: AbortSignal }): Promise<void>;
};

/** A route that writes its own answer: bytes, text, or what another server sends. */
export function streamRoute<const A extends Access>(spec: StreamRoute<A>): RouteDefinition {
  const { method, path, summary, access } = spec;
  const schemas = { params: undefined, query: undefined, body: undefined, response: undefined };
  return {
    ...{ method, path, summary, access, status: 200, ...schemas },
    handler: (authenticate) => async (req, res) => {
      const caller = await admit(access, authenticate, req);
      await spec.stream({ caller, req, res, signal: goneSignal(res) });
    },
  };
}

async function admit<A extends Access>(
  access: A,
  authenticate: Authenticate,
  req: Request,
): Promise<CallerOf<A>> {
  const caller = await identify(access, authenticate, req);
  // For the audit of a refusal further down.
  if (caller && req.res) req.res.locals['actor'] = caller.actor;
  const isRoleMissing = Array.isArray(access) && caller?.kind === 'user' && !hasAnyRole(caller.user, access);
  if (isRoleMissing) throw new AppError('access.refused', 'Your role does not allow this');
  return caller as CallerOf<A>;
}

async function identify(access: Access, authenticate: Authenticate, req: Request): Promise<Caller | null> {
  if (access === 'public') return null;
  if (access === 'study-token-or-role') return authenticate.userOrStudyToken(req);
  return authenticate.user(req);
}

function goneSignal(res: Response): AbortSignal {
  const gone = new AbortController();
  res.on('close', () => {
    if (!res.writableFinished) gone.abort();
  });
  return gone.signal;
}
