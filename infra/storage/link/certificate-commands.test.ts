import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SignedCertificate } from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEntityBrokerEnd, type EntityBrokerEnd } from '../testing/broker-end.ts';
import { dcmtk } from '../testing/dcmtk.ts';
import { startTestNode, type TestNode } from '../testing/test-node.ts';
import { openCertificateStore } from '../tls/certificate-store.ts';

const run = promisify(execFile);

describe('certificates that an administrator asks for from afar', () => {
  const suite = new AsyncDisposableStack();
  let folder: string;
  let broker: EntityBrokerEnd;
  let storage: TestNode;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'certificate-commands-'));
    suite.defer(async () => rm(folder, { recursive: true, force: true }));
    broker = suite.use(await startEntityBrokerEnd());
    storage = suite.use(await startTestNode({ brokerUrl: broker.url, dicomTlsPort: 0 }));
    await vi.waitFor(() => expect(broker.heartbeat()).toBeDefined(), { timeout: 20_000 });
    await broker.tell({ CT_1: {} }, { unlisted: 'refused' });
  });
  afterAll(async () => suite.disposeAsync());

  const keyFile = (name: string): string => join(folder, `${name}.key`);
  /** As a modality makes it: the key stays where it is. */
  const request = async (name: string, key: readonly string[]): Promise<string> => {
    const out = join(folder, `${name}.csr`);
    const made = ['-newkey', ...key, '-nodes', '-keyout', keyFile(name), '-out', out];
    await run('openssl', ['req', '-new', ...made, '-subj', '/CN=whatever it says']);
    return readFile(out, 'utf8');
  };
  const echo = async (name: string, signed: SignedCertificate): Promise<string> => {
    const [certificate, authorities] = [join(folder, `${name}.pem`), join(folder, `${name}.ca.pem`)];
    await writeFile(certificate, signed.certificate);
    await writeFile(authorities, signed.authorities);
    const tls = ['+tls', keyFile(name), certificate, '+cf', authorities];
    const peer = ['-aet', 'CT_1', '-aec', 'MEDUSA', '127.0.0.1', String(storage.node.dicomTlsPort)];
    const { code, output } = await dcmtk('echoscu', '-to', '10', ...tls, ...peer);
    return code === 0 ? 'success' : output;
  };

  it.each([
    ['rsa', ['rsa:2048']],
    ['ec', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
  ])('are for the AE title and the key of the request (%s), until they are revoked', async (name, key) => {
    const signed = await broker.sign('CT_1', await request(name, key), ['ct1.example', '10.0.0.7']);

    const certificate = new X509Certificate(signed.certificate);
    expect(certificate.subject).toBe('CN=CT_1');
    expect(certificate.subjectAltName).toBe('DNS:ct1.example, IP Address:10.0.0.7');
    expect(signed).toMatchObject({
      fingerprint256: certificate.fingerprint256,
      endsAt: certificate.validToDate.toISOString(),
    });
    expect(await echo(name, signed)).toBe('success');

    await expect(broker.revoke('CT_2', signed.certificate)).rejects.toThrow('certificate of CT_1');
    expect(await echo(name, signed)).toBe('success');
    await broker.revoke('CT_1', signed.certificate);
    await broker.revoke('CT_1', signed.certificate);
    expect(await echo(name, signed)).not.toBe('success');
  });

  it('are not made of a key that is too short, of a request that was changed, or of none', async () => {
    const weak = await request('weak', ['rsa:1024']);
    const good = await request('good', ['rsa:2048']);
    const bytes = Buffer.from(good.replaceAll(/-----.*-----|\s/g, ''), 'base64');
    // The last of its signature.
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    const label = 'CERTIFICATE REQUEST';
    const changed = `-----BEGIN ${label}-----\n${bytes.toString('base64')}\n-----END ${label}-----`;
    const none = `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----`;

    await expect(broker.sign('CT_1', weak)).rejects.toThrow('1024 bits is too short');
    await expect(broker.sign('CT_1', changed)).rejects.toThrow('not signed by the key');
    await expect(broker.sign('CT_1', none)).rejects.toThrow('cannot be read');
    await expect(broker.sign('CT_1', 'a request')).rejects.toThrow('request.invalid');
  });

  it('are revoked only by the authority that signed them', async () => {
    const foreign = await openCertificateStore(join(folder, 'foreign'));
    const { certificate } = await foreign.issue('CT_1', { hosts: [] });

    await expect(broker.revoke('CT_1', certificate)).rejects.toThrow('No trusted authority');
  });

  it('are not to be had where DICOM over TLS is off', async () => {
    await using other = await startEntityBrokerEnd();
    await using plain = await startTestNode({ brokerUrl: other.url });
    await vi.waitFor(() => expect(other.heartbeat()).toBeDefined(), { timeout: 20_000 });

    expect(plain.node.dicomTlsPort).toBeUndefined();
    await expect(other.sign('CT_1', await request('off', ['rsa:2048']))).rejects.toThrow('TLS is off');
  });
});
