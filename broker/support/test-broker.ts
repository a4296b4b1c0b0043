import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import pino from 'pino';
import { startBroker, type Broker } from '../app.ts';
import { readConfig, type BrokerConfig } from '../config.ts';
import { mintNodeToken } from '../identity/broker-keys.ts';
import { logInForToken, type TokenAnswer } from '../identity/scripted-login.ts';
import { freePort } from '@medusa/kernel/free-ports';
import { nodeIdSchema } from '@medusa/protocol';
import type { TestDatabase } from './test-database.ts';
import { makeTestSecrets, testUsers, type TestSecrets, type TestUser } from './test-secrets.ts';

export type TestBroker = AsyncDisposable & {
  readonly url: string;
  readonly dataDir: string;
  readonly databaseUrl: string;
  readonly secrets: TestSecrets;
  /** Ends the broker and starts another one on the same port, data and database. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  logIn(user: TestUser): Promise<TokenAnswer>;
  token(user: TestUser): Promise<string>;
  nodeToken(nodeId: string, kind: 'render' | 'storage'): Promise<string>;
  call(
    method: string,
    path: string,
    options?: { token?: string; body?: unknown },
  ): Promise<{ status: number; body: unknown }>;
};

/** A whole broker in this process: real HTTPS, real sockets, real database; render nodes are the test's. */
export async function startTestBroker(
  database: TestDatabase,
  overrides: Partial<BrokerConfig> = {},
): Promise<TestBroker> {
  const dataDir = await mkdtemp(join(tmpdir(), 'medusa-broker-'));
  const secrets = await makeTestSecrets(dataDir);
  setDefaultCACertificates([...getCACertificates('default'), secrets.certificate]);
  const databaseUrl = await database.create(`t${randomUUID().replaceAll('-', '')}`);
  const port = await freePort();
  const environment = {
    MEDUSA_DATA_DIR: dataDir,
    MEDUSA_HTTPS_PORT: String(port),
    DATABASE_URL: databaseUrl,
    MEDUSA_RENDER_NODES: '0',
    MEDUSA_CLIENT_DIR: join(dataDir, 'client'),
  };
  const config = { ...readConfig(environment), heartbeatMs: 300, sweepMs: 100, ...overrides };
  const log = pino({ level: 'error' });
  let broker: Broker = await startBroker(config, { log });
  const tokens = new Map<TestUser, string>();

  const logIn = async (username: TestUser): Promise<TokenAnswer> => {
    const password = testUsers.find((user) => user.username === username)?.password ?? '';
    const issuerUrl = `${broker.url}/realms/medusa`;
    return logInForToken({ issuerUrl, username, password, redirectUri: `${broker.url}/` });
  };

  return {
    url: broker.url,
    dataDir,
    databaseUrl,
    secrets,
    logIn,
    async restart() {
      await broker.close();
      broker = await startBroker(config, { log });
    },
    stop: async () => broker.close(),
    async token(user) {
      const token = tokens.get(user) ?? (await logIn(user)).access_token;
      tokens.set(user, token);
      return token;
    },
    nodeToken: async (nodeId, kind) =>
      mintNodeToken(secrets.signingKey, { nodeId: nodeIdSchema.parse(nodeId), kind }),
    async call(method, path, { token, body } = {}) {
      const response = await fetch(`${broker.url}${path}`, {
        method,
        headers: {
          accept: 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        body: (response.headers.get('content-type') ?? '').includes('json') ? JSON.parse(text) : text,
      };
    },
    async [Symbol.asyncDispose]() {
      await broker.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
