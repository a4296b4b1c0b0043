import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, connect, type TLSSocket } from 'node:tls';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureSecrets, type Secrets } from './secrets.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'medusa-secrets-'));
});
afterEach(async () => rm(dataDir, { recursive: true, force: true }));

/** Whether a TLS client that trusts only the authority accepts the server under this name. */
async function handshake(secrets: Secrets, servername: string): Promise<string> {
  const cert = await readFile(secrets.certificateFile);
  const key = await readFile(secrets.keyFile);
  const ca = await readFile(secrets.caFile);
  const server = createServer({ cert, key }, (socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  try {
    return await new Promise((resolve) => {
      const socket: TLSSocket = connect({ host: '127.0.0.1', port, servername, ca }, () => {
        socket.destroy();
        resolve('accepted');
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('ensureSecrets', () => {
  it('makes a server certificate that clients of its authority accept for its names, and for no other', async () => {
    const secrets = await ensureSecrets(dataDir);

    expect(await handshake(secrets, 'localhost')).toBe('accepted');
    expect(await handshake(secrets, 'elsewhere.example')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('keeps everything the second time, and only the certificate changes for a new name', async () => {
    const first = await ensureSecrets(dataDir);
    const certificate = await readFile(first.certificateFile, 'utf8');
    const second = await ensureSecrets(dataDir);
    expect(second).toEqual(first);
    expect(await readFile(second.certificateFile, 'utf8')).toBe(certificate);

    const third = await ensureSecrets(dataDir, { hostNames: ['medusa.example.org'] });
    expect(third).toEqual(first);
    expect(await handshake(third, 'medusa.example.org')).toBe('accepted');
  });

  it('lets nobody but the owner read', async () => {
    const secrets = await ensureSecrets(dataDir);

    expect((await stat(secrets.directory)).mode & 0o777).toBe(0o700);
    expect((await stat(secrets.keyFile)).mode & 0o777).toBe(0o600);
  });

  it('gives each installation passwords of its own', async () => {
    const one = await ensureSecrets(path.join(dataDir, 'one'));
    const other = await ensureSecrets(path.join(dataDir, 'other'));

    expect(one.demoUsers.map(({ username }) => username)).toEqual(['radiologist', 'doctor', 'admin']);
    expect(one.demoUsers[0]?.password).not.toBe(other.demoUsers[0]?.password);
  });
});
