import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { loopbackCertificate } from '../testing/certificate.ts';
import { encodePdu, mostPduBytes, pduTypes, ProtocolViolation, type Pdu } from './pdu.ts';
import { PduReader } from './pdu-reader.ts';
import { readInto } from './read-into.ts';

/** Bytes that show where they belong. */
function pattern(length: number, from = 0): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, at) => ((at + from) * 31) >> 3));
}

describe('reading a socket into memory of ours', () => {
  const open: (Server | Socket)[] = [];
  afterEach(async () => {
    for (const each of open.splice(0))
      if ('destroy' in each) each.destroy();
      else await new Promise((resolve) => each.close(resolve));
  });

  const accepted = async (isTls: boolean): Promise<{ near: Socket; far: Socket }> => {
    const { cert, key } = await loopbackCertificate();
    const server = isTls ? createTlsServer({ cert, key }) : createServer();
    const event = isTls ? 'secureConnection' : 'connection';
    const arrived = once(server, event) as Promise<[Socket]>;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const target = { host: '127.0.0.1', port };
    const far = isTls ? connectTls({ ...target, ca: cert }) : connect(target);
    const [near] = await arrived;
    open.push(near, far, server);
    return { near, far };
  };

  it.each([
    { way: 'plain', isTls: false, isOurs: true },
    { way: 'TLS', isTls: true, isOurs: true },
    { way: 'a Node without the means', isTls: false, isOurs: false },
  ])('gives every byte in its order, and makes the peer wait: $way', async ({ isTls, isOurs }) => {
    const { near, far } = await accepted(isTls);
    if (!isOurs)
      Object.assign((near as unknown as { _handle: object })._handle, { useUserBuffer: undefined });
    const sent = pattern(3_000_000);
    const memory = Buffer.alloc(100_000);
    const got: Buffer[] = [];
    let isPaused = false;
    let afterNo = 0;

    const ended = once(near, 'end');
    const answer = readInto(near, {
      room: () => memory,
      take(bytes) {
        if (isPaused) afterNo += bytes.length;
        if (isOurs) expect(bytes.buffer).toBe(memory.buffer);
        got.push(Buffer.from(bytes));
        isPaused = true;
        setImmediate(() => {
          isPaused = false;
          near.resume();
        });
        return false;
      },
    });
    far.end(sent);
    near.resume();
    await ended;

    expect(answer).toBe(isOurs);
    expect(Buffer.concat(got).equals(sent)).toBe(true);
    // Of TLS what was decrypted at one go still comes.
    expect(afterNo).toBeLessThan(isTls ? sent.length : 1);
  });
});

describe('cutting bytes into PDUs', () => {
  const bodies = [0, 1, 5, 70_000, mostPduBytes, mostPduBytes, 3, 131_000, 9].map((length, at) =>
    pattern(length, at),
  );
  const stream = Buffer.concat(bodies.map((body) => encodePdu(pduTypes.data, body)));

  it.each([1, 5, 6, 7, 4_096, 65_536, 200_000, stream.length])(
    'finds the same ones whatever the pieces (%d bytes)',
    (piece) => {
      const reader = new PduReader();
      const found: Buffer[] = [];

      for (let at = 0; at < stream.length; at += piece) {
        const bytes = stream.subarray(at, at + piece);
        const room = reader.room();
        expect(room.length).toBeGreaterThan(0);
        // In place as far as there is room, as a socket does; the rest from elsewhere.
        const count = bytes.copy(room);
        reader.add(room.subarray(0, count));
        reader.add(bytes.subarray(count));
        if (reader.isReady()) for (const { body } of reader.take()) found.push(Buffer.from(body));
      }

      expect(found.length).toBe(bodies.length);
      expect(found.every((body, at) => bodies[at]?.equals(body))).toBe(true);
    },
  );

  it('gives what came before a broken header, and then says so', () => {
    const reader = new PduReader();
    const found: Pdu[] = [];
    reader.add(encodePdu(pduTypes.data, Buffer.of(7)));
    reader.add(Buffer.of(pduTypes.data, 0, 0xff, 0xff, 0xff, 0xff));

    const read = (): void => {
      for (const pdu of reader.take()) found.push(pdu);
    };

    expect(read).toThrow(ProtocolViolation);
    expect(found).toEqual([{ type: pduTypes.data, body: Buffer.of(7) }]);
  });
});
