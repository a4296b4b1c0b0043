import { z } from 'zod';
import { ProviderError, type Endpoint } from '../../port/index.ts';
import { failureOf, readAnswer } from './faults.ts';
import type { OpenstackCredentials, OpenstackSettings } from './settings.ts';

/** Keystone v3, `POST /v3/auth/tokens`. */
const tokenSchema = z.object({
  token: z.object({
    expires_at: z.coerce.date(),
    project: z.object({ id: z.string() }),
    catalog: z.array(
      z.object({
        type: z.string(),
        endpoints: z.array(
          z.object({
            interface: z.string(),
            region_id: z.string().nullable().optional(),
            region: z.string().nullable().optional(),
            url: z.string(),
          }),
        ),
      }),
    ),
  }),
});

export type Token = {
  readonly value: string;
  readonly expiresAt: Date;
  readonly projectId: string;
  readonly catalog: z.infer<typeof tokenSchema>['token']['catalog'];
};

export type Identity = {
  /** The present token; a new one when it is about to end. */
  token(signal: AbortSignal): Promise<Token>;
  /** A service refused it: the next call gets another. */
  refuse(token: Token): void;
};

/** A token that ends while a call is under way is refused half-way. */
const marginMs = 60_000;

export function openIdentity(
  {
    settings,
    credentials,
    endpoint,
  }: {
    settings: OpenstackSettings;
    credentials: OpenstackCredentials;
    endpoint: Endpoint;
  },
  now: () => Date,
): Identity {
  let current: Token | undefined;
  let pending: Promise<Token> | undefined;

  const issue = async (): Promise<Token> => {
    const answer = await endpoint.ask({
      method: 'POST',
      url: `${settings.authUrl.replace(/\/+$/, '')}/auth/tokens`,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(requestOf(settings, credentials)),
      // Shared by all who wait for it: none of them may end it for the others. The endpoint bounds it.
      signal: new AbortController().signal,
      isChange: false,
    });
    // An application credential that was withdrawn is not found: to log in with it is refused all the same.
    const status = answer.status === 404 ? 401 : answer.status;
    if (status !== 201) throw failureOf('Keystone', { ...answer, status }, false);
    const value = answer.headers['x-subject-token'];
    if (value === undefined) throw new ProviderError('invalid', 'Keystone gave no token');
    const { token } = readAnswer('Keystone', { text: answer.text, schema: tokenSchema, isChange: false });
    return { value, expiresAt: token.expires_at, projectId: token.project.id, catalog: token.catalog };
  };

  return {
    async token(signal) {
      if (signal.aborted) throw cancelled(signal);
      if (current && current.expiresAt.getTime() - now().getTime() > marginMs) return current;
      pending ??= issue().finally(() => {
        pending = undefined;
      });
      current = await Promise.race([pending, whenAborted(signal)]);
      return current;
    },
    refuse(token) {
      if (current === token) current = undefined;
    },
  };
}

async function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(cancelled(signal)), { once: true });
  });
}

function cancelled(signal: AbortSignal): ProviderError {
  return new ProviderError('transient', 'Cancelled before anything was asked', { cause: signal.reason });
}

function requestOf(settings: OpenstackSettings, credentials: OpenstackCredentials): unknown {
  if (credentials.kind === 'application-credential') {
    const { id, secret } = credentials;
    return {
      auth: {
        identity: { methods: ['application_credential'], application_credential: { id, secret } },
      },
    };
  }
  if (settings.project === null)
    throw new ProviderError('invalid', 'A project is needed when one logs in with a password');
  return {
    auth: {
      identity: {
        methods: ['password'],
        password: {
          user: {
            name: credentials.username,
            domain: { name: credentials.userDomain },
            password: credentials.password,
          },
        },
      },
      scope: { project: { name: settings.project, domain: { name: settings.projectDomain } } },
    },
  };
}
