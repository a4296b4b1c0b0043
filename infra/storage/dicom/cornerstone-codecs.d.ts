/** What the codecs of @cornerstonejs have in common; they bring no types of their own. */
type WasmDecoder = {
  getEncodedBuffer(length: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  decode(): void;
  getFrameInfo(): { width: number; height: number; bitsPerSample: number; componentCount: number };
  /** JPEG-LS only: 0 = plane after plane. */
  getInterleaveMode?(): number;
  delete(): void;
};
type WasmCodec = Readonly<Record<string, (new () => WasmDecoder) | undefined>>;

declare module '@cornerstonejs/codec-charls/decodewasmjs' {
  const start: () => Promise<WasmCodec>;
  // eslint-disable-next-line no-restricted-syntax -- CommonJS: this is all that the module exports
  export default start;
}
declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  const start: () => Promise<WasmCodec>;
  // eslint-disable-next-line no-restricted-syntax -- CommonJS: this is all that the module exports
  export default start;
}
declare module '@cornerstonejs/codec-openjph/wasmjs' {
  const start: () => Promise<WasmCodec>;
  // eslint-disable-next-line no-restricted-syntax -- CommonJS: this is all that the module exports
  export default start;
}
declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs' {
  const start: () => Promise<WasmCodec>;
  // eslint-disable-next-line no-restricted-syntax -- CommonJS: this is all that the module exports
  export default start;
}
