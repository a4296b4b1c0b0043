import { randomBytes } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { AppError, applicationSchema, parseInput, roleSchema, type Application } from '@medusa/protocol';
import { z } from 'zod';
import type { BrokerKeys } from '../../identity/index.ts';
import type { NodeRegistry } from '../../node/index.ts';
import type { Authenticate } from '../caller.ts';
import { route, streamRoute, type RouteDefinition } from '../route.ts';

type PublicRoutesDeps = {
  readonly issuer: string;
  readonly clientId: string;
  readonly version: string;
  readonly publicHost: string;
  readonly hasWatermark: boolean;
  readonly applications: readonly Application[];
  readonly nodes: NodeRegistry;
  readonly keys: BrokerKeys;
  readonly authenticate: Authenticate;
};

const everybody = ['radiologist', 'doctor', 'admin'] as const;
const choiceSchema = applicationSchema.pick({
  ...{ id: true, name: true, description: true, kind: true, modes: true, modalities: true },
});
const configSchema = z.object({
  /** The issuer without `/realms/<realm>`, as keycloak-js wants it. */
  issuerUrl: z.string(),
  realm: z.string(),
  clientId: z.string(),
  version: z.string(),
  dicom: z.object({ aeTitle: z.string(), host: z.string(), port: z.int() }).nullable(),
  applications: z.array(choiceSchema),
  /** Each viewer draws over the picture who looks at it and when. */
  watermark: z.boolean(),
});

const mebibyte = 1024 * 1024;
const payloadQuerySchema = z.object({
  bytes: z.coerce
    .number()
    .int()
    .min(1)
    .max(16 * mebibyte)
    .default(mebibyte),
});
/** As much as any of our own scripts weighs: the most that is sent to somebody who is not logged in. */
const mostPublicBytes = mebibyte;

export function publicRoutes(deps: PublicRoutesDeps): RouteDefinition[] {
  const [, issuerUrl = deps.issuer, realm = ''] = /^(.*)\/realms\/([^/]+)$/.exec(deps.issuer) ?? [];
  const choices = deps.applications.map(({ id, name, description, kind, modes, modalities }) => ({
    ...{ id, name, description, kind, modes, modalities },
  }));
  const noise = randomBytes(mebibyte);
  return [
    route({
      method: 'get',
      path: '/api/config',
      summary: 'What a client needs before anybody is logged in',
      access: 'public',
      response: configSchema,
      handle: async () => {
        const { clientId, version, hasWatermark: watermark } = deps;
        const dicom = dicomAddress(deps);
        return { body: { issuerUrl, realm, clientId, version, dicom, applications: choices, watermark } };
      },
    }),
    route({
      method: 'get',
      path: '/api/me',
      summary: 'Who is logged in',
      access: everybody,
      response: z.object({
        id: z.string(),
        name: z.string(),
        username: z.string(),
        roles: z.array(roleSchema),
      }),
      handle: async ({ caller: { user } }) => ({
        body: { id: user.id, name: user.name, username: user.username, roles: [...user.roles] },
      }),
    }),
    route({
      method: 'get',
      path: '/api/applications',
      summary: 'Applications that a session can run',
      access: everybody,
      response: z.object({ applications: z.array(choiceSchema) }),
      handle: async () => ({ body: { applications: choices } }),
    }),
    route({
      method: 'get',
      path: '/api/ping',
      summary: 'Answers at once, to measure the round trip',
      access: 'public',
      response: z.object({ at: z.number() }),
      handle: async () => ({ body: { at: Date.now() } }),
    }),
    streamRoute({
      method: 'get',
      path: '/api/device-check/payload',
      summary: 'Bytes that do not compress, to measure the throughput; more than 1 MiB needs a login',
      access: 'public',
      stream: async ({ req, res }) => {
        const { bytes } = parseInput(payloadQuerySchema, req.query);
        if (bytes > mostPublicBytes) await deps.authenticate.user(req);
        res.set({
          'content-type': 'application/octet-stream',
          'cache-control': 'no-store',
          'content-length': String(bytes),
        });
        await pipeline(Readable.from(repeat(noise, bytes)), res);
      },
    }),
    route({
      method: 'get',
      path: '/api/jwks.json',
      summary: "Public keys of the broker's study and node tokens (RFC 7517)",
      access: 'public',
      response: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
      handle: async () => ({ body: { keys: deps.keys.jwks.keys.map((key) => ({ ...key })) } }),
    }),
  ];
}

function dicomAddress({ nodes, publicHost }: PublicRoutesDeps): z.infer<typeof configSchema>['dicom'] {
  const storage = nodes.views().find(({ kind, state }) => kind === 'storage' && state === 'ready')?.storage;
  return storage ? { aeTitle: storage.aeTitle, host: publicHost, port: storage.dicomPort } : null;
}

function* repeat(block: Buffer, bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= block.byteLength)
    yield block.subarray(0, Math.min(left, block.byteLength));
}

/** What no route answers below `/api` is a problem, not a page. */
export function unknownRoute(): never {
  throw new AppError('route.unknown', 'There is nothing at this address');
}
