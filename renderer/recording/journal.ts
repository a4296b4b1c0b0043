import { createWriteStream, type WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { finished } from 'node:stream/promises';

/** An encoded picture as it is kept: `ticks` of 90 kHz grow from one to the next. Without bytes: nothing else was shown until then. */
export type JournalEntry = {
  readonly ticks: number;
  readonly isKeyframe: boolean;
  readonly bytes: Uint8Array;
};

/** u32 length of the bytes · u8 1 for a keyframe · f64 ticks, big endian; then the bytes. */
const headBytes = 13;
/** The largest picture is much smaller: what claims to be larger is the torn end of a journal. */
const mostPictureBytes = 64 * 2 ** 20;
/** A disk that is so far behind will not catch up. */
const mostWaitingBytes = 64 * 2 ** 20;

/**
 * Where a recording goes while it runs: pictures one after the other, each on its way to the disk when it comes. Whatever is killed, all
 * that was written is there to be made a film of; and nothing of FFmpeg runs beside the picture for it.
 */
export class JournalWriter {
  readonly #stream: WriteStream;
  #bytes = 0;

  /** @param failed told once when the disk does not take any more. */
  constructor(file: string, failed: (error: Error) => void) {
    this.#stream = createWriteStream(file, { flags: 'wx', mode: 0o600 });
    this.#stream.once('error', failed);
  }

  get bytes(): number {
    return this.#bytes;
  }

  write({ ticks, isKeyframe, bytes }: JournalEntry): void {
    if (this.#stream.writableLength > mostWaitingBytes) {
      this.#stream.destroy(new Error('The disk is too slow'));
      return;
    }
    const head = Buffer.alloc(headBytes);
    head.writeUInt32BE(bytes.byteLength, 0);
    head.writeUInt8(isKeyframe ? 1 : 0, 4);
    head.writeDoubleBE(ticks, 5);
    this.#stream.write(head);
    if (bytes.byteLength > 0) this.#stream.write(bytes);
    this.#bytes += headBytes + bytes.byteLength;
  }

  async close(): Promise<void> {
    this.#stream.end();
    await finished(this.#stream).catch(() => undefined);
  }
}

/** What a journal holds, up to where it was cut off. */
export async function* readJournal(file: string): AsyncGenerator<JournalEntry> {
  await using handle = await open(file, 'r');
  const { size } = await handle.stat();
  const head = Buffer.alloc(headBytes);
  for (let at = 0; at + headBytes <= size;) {
    await handle.read(head, 0, headBytes, at);
    const length = head.readUInt32BE(0);
    at += headBytes;
    if (length > mostPictureBytes || at + length > size) return;
    const bytes = Buffer.alloc(length);
    if (length > 0) await handle.read(bytes, 0, length, at);
    at += length;
    yield { ticks: head.readDoubleBE(5), isKeyframe: head.readUInt8(4) === 1, bytes };
  }
}
