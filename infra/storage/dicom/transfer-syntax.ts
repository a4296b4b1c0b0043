import { own } from './own.ts';

/** How a transfer syntax codes the data set around the pixels, and the pixels. */
export type TransferSyntax = {
  readonly uid: string;
  readonly isExplicit: boolean;
  readonly isLittleEndian: boolean;
  readonly isDeflated: boolean;
  readonly pixels: PixelEncoding;
  /** The media type of one frame in DICOMweb (PS3.18 §8.7.3). */
  readonly mediaType: string;
};

export type PixelEncoding =
  'native' | 'rle' | 'jpeg' | 'jpeg-extended' | 'jpeg-lossless' | 'jpeg-ls' | 'jpeg-2000' | 'htj2k' | 'other';

export const implicitLittleEndian = '1.2.840.10008.1.2';
export const explicitLittleEndian = '1.2.840.10008.1.2.1';

const native = 'application/octet-stream';
const root = '1.2.840.10008.1.2';
const encapsulated: Readonly<Record<string, readonly [PixelEncoding, string]>> = {
  [`${root}.1.98`]: ['other', native],
  [`${root}.5`]: ['rle', 'image/dicom-rle'],
  [`${root}.4.50`]: ['jpeg', 'image/jpeg'],
  [`${root}.4.51`]: ['jpeg-extended', 'image/jpeg'],
  [`${root}.4.57`]: ['jpeg-lossless', 'image/jpeg'],
  [`${root}.4.70`]: ['jpeg-lossless', 'image/jpeg'],
  [`${root}.4.80`]: ['jpeg-ls', 'image/jls'],
  [`${root}.4.81`]: ['jpeg-ls', 'image/jls'],
  [`${root}.4.90`]: ['jpeg-2000', 'image/jp2'],
  [`${root}.4.91`]: ['jpeg-2000', 'image/jp2'],
  [`${root}.4.92`]: ['other', 'image/jpx'],
  [`${root}.4.93`]: ['other', 'image/jpx'],
  [`${root}.4.100`]: ['other', 'video/mpeg2'],
  [`${root}.4.101`]: ['other', 'video/mpeg2'],
  ...Object.fromEntries(
    ['102', '103', '104', '105', '106', '107', '108'].map((id) => [
      `${root}.4.${id}`,
      ['other', 'video/mp4'],
    ]),
  ),
  [`${root}.4.110`]: ['other', 'image/jxl'],
  [`${root}.4.111`]: ['other', 'image/jxl'],
  [`${root}.4.112`]: ['other', 'image/jxl'],
  [`${root}.4.201`]: ['htj2k', 'image/jphc'],
  [`${root}.4.202`]: ['htj2k', 'image/jphc'],
  [`${root}.4.203`]: ['htj2k', 'image/jphc'],
};

/** All that we take. */
export const transferSyntaxes: readonly string[] = [
  implicitLittleEndian,
  explicitLittleEndian,
  `${root}.1.99`,
  `${root}.2`,
  ...Object.keys(encapsulated),
];

/** Undefined for what we do not take: private ones, and those whose pixels lie elsewhere (JPIP, SMPTE). */
export function transferSyntaxOf(uid: string): TransferSyntax | undefined {
  const plain = { uid, isExplicit: true, isLittleEndian: true, isDeflated: false } as const;
  switch (uid) {
    case implicitLittleEndian:
      return { ...plain, isExplicit: false, pixels: 'native', mediaType: native };
    case explicitLittleEndian:
      return { ...plain, pixels: 'native', mediaType: native };
    case `${root}.1.99`:
      return { ...plain, isDeflated: true, pixels: 'native', mediaType: native };
    case `${root}.2`:
      return { ...plain, isLittleEndian: false, pixels: 'native', mediaType: native };
    default: {
      const known = own(encapsulated, uid);
      return known && { ...plain, pixels: known[0], mediaType: known[1] };
    }
  }
}
