import { z } from 'zod';
import { refused, textOf, unreachable, type HttpClient } from './http-client.ts';

export type SwiftSettings = {
  /** Keystone (`https://…/v3`), or Swift's own (`https://…/auth/v1.0`). */
  readonly authUrl: string;
  readonly container: string;
  /** Of the service catalogue; undefined: the first. */
  readonly region?: string | undefined;
  /** Name of a user, or the id of an application credential when there is no project. */
  readonly user: string;
  readonly secret: string;
  readonly project?: string | undefined;
  /** Name of the domain of user and project. */
  readonly domain: string;
};

/** Where the containers lie, and what opens them. */
type SwiftAccess = { readonly token: string; readonly storageUrl: string };

export interface SwiftAccount {
  /** The present token; a new one when it is about to end. @throws AppError `storage.unreachable` */
  access(signal: AbortSignal): Promise<SwiftAccess>;
  /** Swift refused it: the next call gets another. */
  refuse(access: SwiftAccess): void;
}

/** A token that ends while an object is on its way is refused half-way. */
const marginMs = 60_000;
const issuingMs = 30_000;

const tokenSchema = z.object({
  token: z.object({
    expires_at: z.coerce.date(),
    catalog: z.array(
      z.object({
        type: z.string(),
        endpoints: z.array(
          z.object({
            interface: z.string(),
            region: z.string().nullable().optional(),
            region_id: z.string().nullable().optional(),
            url: z.url(),
          }),
        ),
      }),
    ),
  }),
});

type Issued = { readonly access: SwiftAccess; readonly endsAt: number };

export function openSwiftAccount(settings: SwiftSettings, http: HttpClient): SwiftAccount {
  const isOwn = /\/v1(\.0)?\/?$/.test(settings.authUrl);
  let issued: Issued | undefined;
  let issuing: Promise<Issued> | undefined;
  return {
    async access(signal) {
      signal.throwIfAborted();
      if (issued && issued.endsAt - Date.now() > marginMs) return issued.access;
      // Shared by all who wait for it: none of them may end it for the others.
      issuing ??= (isOwn ? ownToken : keystoneToken)(settings, http).finally(() => {
        issuing = undefined;
      });
      issued = await issuing;
      return issued.access;
    },
    refuse(access) {
      if (issued?.access === access) issued = undefined;
    },
  };
}

/** Swift's v1 authentication, as TempAuth and several others have it. */
async function ownToken({ authUrl, user, secret }: SwiftSettings, http: HttpClient): Promise<Issued> {
  const reply = await http.call({
    method: 'GET',
    url: new URL(authUrl),
    headers: { 'x-auth-user': user, 'x-auth-key': secret },
    signal: AbortSignal.timeout(issuingMs),
  });
  if (reply.status !== 200 && reply.status !== 204) throw refused(reply);
  await textOf(reply);
  const {
    'x-auth-token': token,
    'x-storage-url': storageUrl,
    'x-auth-token-expires': seconds,
  } = reply.headers;
  if (typeof token !== 'string' || typeof storageUrl !== 'string') throw unreachable('Swift gave no token');
  const lifeMs = typeof seconds === 'string' ? Number(seconds) * 1000 : Infinity;
  return { access: { token, storageUrl }, endsAt: Date.now() + lifeMs };
}

async function keystoneToken(settings: SwiftSettings, http: HttpClient): Promise<Issued> {
  const reply = await http.call({
    method: 'POST',
    url: new URL('auth/tokens', settings.authUrl.replace(/\/*$/, '/')),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ auth: keystoneRequest(settings) }),
    signal: AbortSignal.timeout(issuingMs),
  });
  if (reply.status !== 201) throw refused(reply);
  const value = reply.headers['x-subject-token'];
  const parsed = tokenSchema.safeParse(jsonOf(await textOf(reply)));
  if (typeof value !== 'string' || !parsed.success) throw unreachable('Keystone gave no token');
  const { catalog, expires_at: expiresAt } = parsed.data.token;
  const { region } = settings;
  const storageUrl = catalog
    .filter(({ type }) => type === 'object-store')
    .flatMap(({ endpoints }) => endpoints)
    .find(
      (endpoint) =>
        endpoint.interface === 'public' &&
        (region === undefined || region === (endpoint.region_id ?? endpoint.region)),
    )?.url;
  if (storageUrl === undefined) throw unreachable('The service catalogue names no object store');
  return { access: { token: value, storageUrl }, endsAt: expiresAt.getTime() };
}

function keystoneRequest({ user, secret, project, domain }: SwiftSettings): unknown {
  if (project === undefined)
    return {
      identity: { methods: ['application_credential'], application_credential: { id: user, secret } },
    };
  return {
    identity: {
      methods: ['password'],
      password: { user: { name: user, domain: { name: domain }, password: secret } },
    },
    scope: { project: { name: project, domain: { name: domain } } },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
