import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';

/** The address of this machine from which it reaches `url`, as its routes say: nothing is sent (a connected UDP socket). */
export async function ownAddressTowards(url: string): Promise<string> {
  const { hostname } = new URL(url);
  const { address, family } = await lookup(hostname.replace(/^\[|\]$/g, ''));
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(9, address, resolve);
    });
    return socket.address().address;
  } finally {
    socket.close();
  }
}
