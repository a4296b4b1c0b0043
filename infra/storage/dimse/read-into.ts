import type { Socket } from 'node:net';

export type Sink = {
  /** Where the next bytes are wanted. */
  room(): Buffer;
  /** @param bytes in that room, or elsewhere. @returns whether more may come at once */
  take(bytes: Buffer): boolean;
};

/** What `onread` of net.Socket's options makes of a socket. Node has no way to ask for it on one that was accepted. */
type Internals = { useUserBuffer?: (buffer: Buffer) => void };

/**
 * Has a socket read into memory of ours from now on. A stream makes a buffer for each read, and at hundreds of megabytes a second
 * collecting those takes more time than all that is done with the bytes. Where Node does not let us, the stream it is: what comes is
 * the same. After `take` said no, `resume()` goes on; a little more may come even so.
 * @returns whether it is memory of ours
 */
export function readInto(socket: Socket, sink: Sink): boolean {
  // What came before anybody asked.
  const waiting = socket.readableLength > 0 ? (socket.read() as Buffer | null) : null;
  if (waiting) sink.take(waiting);
  const handle = (socket as unknown as { _handle?: Internals | null })._handle;
  const [buffer, callback, generator] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) =>
    Object.getOwnPropertySymbols(socket).find(({ description }) => description === name),
  );
  if (typeof handle?.useUserBuffer !== 'function' || !buffer || !callback || !generator) {
    socket.on('data', (bytes: Buffer) => {
      if (!sink.take(bytes)) socket.pause();
    });
    return false;
  }
  const first = sink.room();
  Object.assign(socket, {
    [buffer]: first,
    [callback]: (count: number, bytes: Buffer) => sink.take(bytes.subarray(0, count)),
    [generator]: () => sink.room(),
  });
  handle.useUserBuffer(first);
  return true;
}
