import { abortReasons, ProtocolViolation } from './pdu.ts';

/** Items and sub-items of the association PDUs (PS3.8 §9.3). */
export type Item = { readonly type: number; readonly bytes: Buffer };

export function broken(message: string): ProtocolViolation {
  return new ProtocolViolation(abortReasons.invalidParameter, message);
}

/** @throws ProtocolViolation */
export function* items(bytes: Buffer): Generator<Item, void, undefined> {
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw broken('an item is broken');
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) throw broken('an item is longer than what holds it');
    yield { type: bytes.readUInt8(at), bytes: bytes.subarray(at + 4, end) };
    at = end;
  }
}

export function item(type: number, bytes: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt8(type, 0);
  header.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([header, bytes]);
}

export function uidText(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\0 ]+$/, '');
}
