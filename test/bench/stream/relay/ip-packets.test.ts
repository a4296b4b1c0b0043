import { expect, test } from 'vitest';
import { createPacketCutter } from './ip-packets.ts';

function packet(version: 4 | 6, payloadBytes: number): Buffer {
  const header = Buffer.alloc(version === 4 ? 20 : 40);
  header[0] = version << 4;
  if (version === 4) header.writeUInt16BE(20 + payloadBytes, 2);
  else header.writeUInt16BE(payloadBytes, 4);
  return Buffer.concat([header, Buffer.alloc(payloadBytes, payloadBytes)]);
}

test.each([1, 7, 33, 10_000])('packets come out whole when the bytes come %i at a time', (atOnce) => {
  const packets = [packet(4, 1_480), packet(6, 8), packet(4, 0), packet(4, 300)];
  const bytes = Buffer.concat(packets);
  const cut = createPacketCutter();

  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += atOnce) out.push(...cut(bytes.subarray(at, at + atOnce)));

  expect(out).toEqual(packets);
});

test('what is no IP packet is told, not guessed at', () => {
  expect(() => createPacketCutter()(Buffer.from([0x10, 0, 0, 20]))).toThrow('IP version 1');
});
