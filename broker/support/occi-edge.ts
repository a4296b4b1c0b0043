import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError, userIdSchema, type Role } from '@medusa/protocol';
import pino from 'pino';
import type { AuditTrail } from '../audit/index.ts';
import { createHttpApp, occiMount, occiRoutes, type RouteDefinition } from '../http/index.ts';
import type { OcciServer } from '../occi/index.ts';

type Written = Parameters<AuditTrail['record']>[0];

export type OcciEdge = AsyncDisposable & {
  readonly origin: string;
  /** Root of OCCI, with a slash at the end. */
  readonly base: string;
  /** What the audit trail was told. */
  readonly written: Written[];
};

type OcciEdgeOptions = {
  /** Where the edge is, is known when it listens. */
  readonly open: (root: { readonly origin: string; readonly mount: string }) => OcciServer;
  /** Of whoever asks. */
  readonly roles: () => readonly Role[];
};

/** OCCI's edge and nothing else of a broker, over HTTP on the loopback. `Bearer none` is a stranger. */
export async function startOcciEdge({ open, roles }: OcciEdgeOptions): Promise<OcciEdge> {
  const written: Written[] = [];
  let opened: OcciServer | undefined;
  const server: OcciServer = {
    async answer(request) {
      opened ??= open({ origin, mount: occiMount });
      return opened.answer(request);
    },
  };
  const write = async (fact: Written): Promise<void> => void written.push(fact);
  const audit = { record: write, recordOncePerMinute: write } as unknown as AuditTrail;
  const listening = createServer(appOf(occiRoutes({ server, audit }), audit, roles));
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
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
