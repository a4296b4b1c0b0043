import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@medusa/kernel/free-ports';
import { startPeer } from './peers.ts';
import type { PeerFiles } from './pki.ts';

/** A hospital's archive: Orthanc, which knows the node as MEDUSA and is itself ARCHIVE. */
export interface Archive extends AsyncDisposable {
  store(object: Buffer): Promise<void>;
  post(path: string, body: unknown): Promise<unknown>;
  get(path: string): Promise<unknown>;
}

/** With certificates it listens and calls by TLS, and wants a certificate of who calls. */
export async function startArchive(
  ports: { readonly dicom: number; readonly node: number },
  certificates?: PeerFiles,
): Promise<Archive> {
  const httpPort = await freePort();
  const url = `http://127.0.0.1:${httpPort}`;
  const peer = await startPeer(httpPort, async (folder) => {
    const configuration = {
      StorageDirectory: folder,
      IndexDirectory: folder,
      HttpPort: httpPort,
      HttpBindAddresses: ['127.0.0.1'],
      RemoteAccessAllowed: false,
      DicomServerEnabled: true,
      DicomAet: 'ARCHIVE',
      DicomPort: ports.dicom,
      DicomModalities: {
        medusa: {
          AET: 'MEDUSA',
          Host: '127.0.0.1',
          Port: ports.node,
          UseDicomTls: certificates !== undefined,
        },
      },
      ...(certificates && {
        DicomTlsEnabled: true,
        DicomTlsCertificate: certificates.certificate,
        DicomTlsPrivateKey: certificates.key,
        DicomTlsTrustedCertificates: certificates.authorities,
        DicomTlsRemoteCertificateRequired: true,
      }),
    };
    await writeFile(join(folder, 'orthanc.json'), JSON.stringify(configuration));
    return ['Orthanc', join(folder, 'orthanc.json')];
  });
  const ask = async (path: string, init?: RequestInit): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, init);
    if (!response.ok) throw new Error(`Orthanc answered ${response.status}`);
    return response.json();
  };
  return {
    async store(object) {
      await ask('/instances', { method: 'POST', body: new Uint8Array(object) });
    },
    post: async (path, body) => ask(path, { method: 'POST', body: JSON.stringify(body) }),
    get: async (path) => ask(path),
    [Symbol.asyncDispose]: async () => peer[Symbol.asyncDispose](),
  };
}
