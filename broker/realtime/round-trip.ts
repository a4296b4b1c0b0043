import type { Socket } from 'socket.io';

/** The part of a connection that shows its packets (Engine.IO protocol 4: the server pings, the peer answers). */
type Packets = {
  on(event: 'packetCreate' | 'packet', listener: (packet: { readonly type: string }) => void): unknown;
};

/** Tells the round trip of each keep-alive that the connection makes anyway, in ms. */
export function watchRoundTrip(socket: Pick<Socket, 'conn'>, tell: (rttMs: number) => void): void {
  const packets: Packets = socket.conn;
  let askedAt: number | undefined;
  packets.on('packetCreate', ({ type }) => {
    if (type === 'ping') askedAt = performance.now();
  });
  packets.on('packet', ({ type }) => {
    if (type !== 'pong' || askedAt === undefined) return;
    tell(performance.now() - askedAt);
    askedAt = undefined;
  });
}
