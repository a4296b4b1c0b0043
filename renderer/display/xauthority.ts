import { randomBytes } from 'node:crypto';

/** Proof that a client may use one display (MIT-MAGIC-COOKIE-1): whoever has no cookie, draws and reads nothing there. */
export function createCookie(): Buffer {
  return randomBytes(16);
}

/**
 * The content of an Xauthority file with this one cookie. Family `Wild` (65535) and no display number: the X server picks
 * its number after the file is read, and a file serves one display only.
 */
export function encodeXauthority(cookie: Buffer): Buffer {
  const counted = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const nothing = Buffer.alloc(0);
  return Buffer.concat([
    Buffer.from([0xff, 0xff]),
    counted(nothing),
    counted(nothing),
    counted(Buffer.from('MIT-MAGIC-COOKIE-1')),
    counted(cookie),
  ]);
}
