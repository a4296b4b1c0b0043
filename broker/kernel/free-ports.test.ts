import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { freePort, freePorts, listenOnce } from './free-ports.ts';

it('finds ports to listen on, all different, which no outgoing connection can take', async () => {
  const [lowest = NaN] = (await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'))
    .split('\t')
    .map(Number);

  const ports = await freePorts(50);

  expect(new Set(ports).size).toBe(50);
  expect(Math.max(...ports)).toBeLessThan(lowest);
  await Promise.all(ports.map(async (port) => listenOnce(port, '127.0.0.1')));
});

it('fails to listen on a port that is taken', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');

  await expect(listenOnce(port, '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' });

  server.close();
  await once(server, 'close');
});
