import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startPeer, type RunningPeer } from './peers.ts';

/** DCMTK’s archive, ARCHIVE, which knows the node as MEDUSA, speaks plaintext only. */
export async function startQrscp(
  ports: { readonly dicom: number; readonly node: number },
  ...options: readonly string[]
): Promise<RunningPeer & { readonly area: string }> {
  const peer = await startPeer(ports.dicom, async (folder) => {
    const area = join(folder, 'area');
    await mkdir(area);
    const configuration = [
      `NetworkTCPPort = ${ports.dicom}`,
      ...['MaxPDUSize = 16384', 'MaxAssociations = 16'],
      ...['HostTable BEGIN', `medusa = (MEDUSA, 127.0.0.1, ${ports.node})`, 'HostTable END'],
      ...['VendorTable BEGIN', 'VendorTable END'],
      ...['AETable BEGIN', `ARCHIVE ${area} RW (500, 1024mb) ANY`, 'AETable END'],
    ];
    await writeFile(join(folder, 'qrscp.cfg'), configuration.join('\n'));
    return ['dcmqrscp', '-c', join(folder, 'qrscp.cfg'), ...options];
  });
  return {
    folder: peer.folder,
    area: join(peer.folder, 'area'),
    [Symbol.asyncDispose]: async () => peer[Symbol.asyncDispose](),
  };
}
