import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError, userIdSchema, type Role } from '@medusa/protocol';
import pino from 'pino';
import type { AuditTrail } from '../audit/index.ts';
import { createHttpApp, occiMount, occiRoutes, type RouteDefinition } from '../http/index.ts';
import type { OcciBackend } from '../occi/backend.ts';
import type { Mixin } from '../occi/model/index.ts';
import { createOcciServer, type OcciServer, type OcciStore } from '../occi/index.ts';

type Written = Parameters<AuditTrail['record']>[0];

export type OcciEdge = AsyncDisposable & {
  readonly origin: string;
  /** Root of OCCI, with a slash at the end. */
  readonly base: string;
  /** What the audit trail was told. */
  readonly written: Written[];
};

/** What there is at the moment of a request. */
export type OcciWorld = {
  readonly backends: readonly OcciBackend[];
  readonly mixins: readonly Mixin[];
  readonly store: OcciStore;
  readonly roles: readonly Role[];
};

/** OCCI's edge and nothing else of a broker, over HTTP on the loopback. `Bearer none` is a stranger. */
export async function startOcciEdge(world: () => OcciWorld): Promise<OcciEdge> {
  const written: Written[] = [];
  let origin = '';
  let ids = 0;
  const server: OcciServer = {
    async answer(request) {
      const { mixins, ...parts } = world();
      const root = { origin, mount: occiMount };
      const occi = createOcciServer({
        ...{ root, ...parts, mixins: async () => mixins },
        newId: () => `new-${(ids += 1)}`,
      });
      return occi.answer(request);
    },
  };
  const write = async (fact: Written): Promise<void> => void written.push(fact);
  const audit = { record: write, recordOncePerMinute: write } as unknown as AuditTrail;
  const listening = createServer(appOf(occiRoutes({ server, audit }), audit, () => world().roles));
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  return {
    ...{ origin, written, base: `${origin}${occiMount}/` },
    [Symbol.asyncDispose]: async () =>
      new Promise((resolve) => listening.close(() => resolve()).closeAllConnections()),
  };
}

function appOf(
  routes: readonly RouteDefinition[],
  audit: AuditTrail,
  rolesNow: () => readonly Role[],
): ReturnType<typeof createHttpApp> {
  const actor = { id: 'ada', name: 'Ada Admin', address: '127.0.0.1' };
  const userOf = () => ({
    ...{ id: userIdSchema.parse('ada'), name: 'Ada Admin', username: 'ada', roles: rolesNow() },
    ...{ loginId: 'login', expiresAt: new Date(8_640_000_000_000_000) },
  });
  const user: Parameters<typeof createHttpApp>[0]['authenticate']['user'] = async ({ headers }) => {
    if (headers.authorization === 'Bearer none')
      throw new AppError('identity.required', 'A token is required');
    return { kind: 'user', actor, user: userOf() };
  };
  return createHttpApp({
    routes,
    authenticate: { user, userOrStudyToken: user },
    ...{ audit, log: pino({ level: 'silent' }), clientDir: '/nonexistent' },
    metrics: { observeRequest: () => undefined, read: async () => ({ contentType: '', text: '' }) },
    ...{ issuerOrigin: undefined, provider: undefined },
  });
}
