declare module 'jpeg-lossless-decoder-js' {
  /** JPEG processes 14 and its selection value 1. */
  export class Decoder {
    decode(
      buffer: ArrayBufferLike,
      offset: number,
      length: number,
      bytesPerComponent: number,
    ): Uint8Array | Uint16Array | Int8Array | Int16Array;
  }
}
