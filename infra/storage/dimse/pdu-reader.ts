import { headerBytes, mostPduBytes, violationOf, type Pdu, type ProtocolViolation } from './pdu.ts';

/** Room for one PDU that is not whole yet, and as much again. */
const bufferBytes = 2 * mostPduBytes;
const leastRoomBytes = 16 * 1024;

/**
 * Cuts the byte stream into PDUs. It has two buffers, used over and over: one is filled while the PDUs in the other are performed.
 * Of a PDU that is not whole it holds no more than may be, whatever length the peer claims.
 */
export class PduReader {
  #filling: Buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #filled = 0;
  #spare: Buffer = Buffer.allocUnsafeSlow(bufferBytes);

  /** Where the next bytes are wanted; never empty. */
  room(): Buffer {
    if (this.#filling.length - this.#filled < leastRoomBytes) this.#grow(leastRoomBytes);
    return this.#filling.subarray(this.#filled);
  }

  /** @param bytes at the beginning of `room()`; from anywhere else they are copied there */
  add(bytes: Buffer): void {
    const { buffer, byteOffset } = this.#filling;
    if (bytes.buffer !== buffer || bytes.byteOffset !== byteOffset + this.#filled) {
      this.#grow(bytes.length);
      bytes.copy(this.#filling, this.#filled);
    }
    this.#filled += bytes.length;
  }

  /** Whether `take` has something to tell. */
  isReady(): boolean {
    return this.#next(0) !== undefined;
  }

  /**
   * The PDUs that are whole. Their bytes are good until it is called again. To read them throws a ProtocolViolation after the last
   * of them as soon as a header shows that what follows is no PDU we take.
   */
  take(): Iterable<Pdu> {
    const pdus: Pdu[] = [];
    let at = 0;
    let next = this.#next(at);
    while (next && 'body' in next) {
      pdus.push(next);
      at += headerBytes + next.body.length;
      next = this.#next(at);
    }
    const taken = this.#filling;
    this.#filling = this.#spare;
    this.#spare = taken;
    const rest = taken.subarray(at, this.#filled);
    this.#filled = 0;
    this.add(rest);
    return next ? endingIn(next, pdus) : pdus;
  }

  #next(at: number): Pdu | ProtocolViolation | undefined {
    if (this.#filled < at + headerBytes) return undefined;
    const type = this.#filling.readUInt8(at);
    const length = this.#filling.readUInt32BE(at + 2);
    const end = at + headerBytes + length;
    const violation = violationOf(type, length);
    if (violation || this.#filled < end) return violation;
    return { type, body: this.#filling.subarray(at + headerBytes, end) };
  }

  #grow(least: number): void {
    const bytes = this.#filled + least;
    if (bytes <= this.#filling.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#filling.length));
    this.#filling.copy(larger, 0, 0, this.#filled);
    this.#filling = larger;
  }
}

function* endingIn(violation: ProtocolViolation, pdus: readonly Pdu[]): Generator<Pdu, void, undefined> {
  yield* pdus;
  throw violation;
}
