import type { statuses } from '../dimse/command.ts';
import type { abortReasons, rejections } from '../dimse/pdu.ts';
import type { ServiceKind } from '../dimse/services.ts';
import type { DefencePolicy } from '../quarantine/defence.ts';

/** What the numbers of the code mean to a reader. A number without a meaning does not compile. */
export const statusMeanings: Readonly<Record<keyof typeof statuses, string>> = {
  success:
    'done; of C-STORE: the object and its name are synchronised with the disk, and it is found; of N-ACTION: recorded',
  processingFailure:
    'something failed here; as a failure reason of commitment: the bytes cannot be read or are not those that came',
  noSuchObjectInstance: 'no such instance; as a failure reason of commitment: it does not lie here',
  invalidArgument: 'a commitment request without a valid transaction UID or references',
  invalidObjectInstance: 'the SOP Instance UID is none, or not that of the data set',
  classInstanceConflict: 'failure reason of commitment: it lies here under another SOP class',
  sopClassNotSupported: 'the SOP class is not that of the presentation context',
  noSuchAction: 'N-ACTION with another action type than 1',
  unrecognizedOperation: 'an operation that the SOP class of the context does not have',
  outOfResources: 'no space left for objects; an identifier too long',
  cannotPerformSubOperations: 'none of the objects could be sent',
  unknownMoveDestination: 'not in the registry, or without an address there',
  dataSetDoesNotMatchSopClass:
    'of C-STORE: another SOP class in the data set; of a query or retrieval: no such level, or its unique key is missing',
  storedWithWarning:
    'of C-STORE: other content came under this SOP Instance UID before, both are kept; of a retrieval: some objects failed',
  cannotUnderstand: 'the data set or identifier cannot be read, or asks for too many wildcards',
  refusedByPolicy: 'of C-STORE: refused by the policy below; nothing of it is kept',
  quarantined: 'of C-STORE: not stored; kept, durably, in quarantine, and served to nobody',
  cancelled: 'stopped by C-CANCEL',
  pending: 'more to come',
  pendingWithWarning: 'more to come; some keys are not kept at this level',
};

export const rejectionMeanings: Readonly<Record<keyof typeof rejections, string>> = {
  applicationContext: 'another application context',
  callingTitle:
    'the caller is not admitted: not listed, not proved by its certificate, or it must come over TLS',
  calledTitle: 'another called AE title',
  protocolVersion: 'another protocol version',
  localLimit: 'as many associations as may be',
};

export const abortMeanings: Readonly<Record<keyof typeof abortReasons, string>> = {
  notSpecified: 'idle for too long, or the node goes down',
  unrecognizedPdu: 'within an association: a PDU of a type there is not',
  unexpectedPdu: 'within an association: a PDU out of place',
  invalidParameter:
    'within an association: a PDU, item or command that is broken or too long; more operations than were negotiated',
};

/** What each choice of a site means to who sends. A choice without a meaning does not compile. */
export const policyMeanings: {
  readonly [Name in keyof DefencePolicy]: Readonly<Record<DefencePolicy[Name], string>>;
} = {
  suspicious: {
    quarantine: 'it is kept in quarantine',
    refuse: 'C100 (refused by policy), nothing is kept',
  },
  quarantineAnswer: {
    failure: 'C101 (in quarantine): the sender still has to take it for not stored',
    success:
      '0000, when bytes and entry are on the disk; storage commitment for it fails with 0112 until it is released',
  },
  unscanned: {
    hold: 'it is kept in quarantine until it was scanned, and then stored by itself or held',
    accept: 'it is stored',
  },
  tiffPreamble: {
    allow: 'as any object (whole-slide images that are TIFF files besides)',
    suspect: 'as any other preamble of another file',
  },
};

export const operationsOf: Readonly<Record<ServiceKind, string>> = {
  verification: 'C-ECHO',
  storage: 'C-STORE',
  find: 'C-FIND',
  move: 'C-MOVE',
  get: 'C-GET, C-STORE as SCU',
  commitment: 'N-ACTION, N-EVENT-REPORT',
};

const root = '1.2.840.10008.1.2';
export const transferSyntaxNames: Readonly<Record<string, string | undefined>> = {
  [root]: 'Implicit VR Little Endian',
  [`${root}.1`]: 'Explicit VR Little Endian',
  [`${root}.1.98`]: 'Encapsulated Uncompressed Explicit VR Little Endian',
  [`${root}.1.99`]: 'Deflated Explicit VR Little Endian',
  [`${root}.2`]: 'Explicit VR Big Endian (retired)',
  [`${root}.5`]: 'RLE Lossless',
  [`${root}.4.50`]: 'JPEG Baseline (Process 1)',
  [`${root}.4.51`]: 'JPEG Extended (Process 2 and 4)',
  [`${root}.4.57`]: 'JPEG Lossless (Process 14)',
  [`${root}.4.70`]: 'JPEG Lossless, First-Order Prediction (Process 14, Selection Value 1)',
  [`${root}.4.80`]: 'JPEG-LS Lossless',
  [`${root}.4.81`]: 'JPEG-LS Near-Lossless',
  [`${root}.4.90`]: 'JPEG 2000 (Lossless Only)',
  [`${root}.4.91`]: 'JPEG 2000',
  [`${root}.4.92`]: 'JPEG 2000 Part 2 Multi-component (Lossless Only)',
  [`${root}.4.93`]: 'JPEG 2000 Part 2 Multi-component',
  [`${root}.4.100`]: 'MPEG2 Main Profile / Main Level',
  [`${root}.4.101`]: 'MPEG2 Main Profile / High Level',
  [`${root}.4.102`]: 'MPEG-4 AVC/H.264 High Profile / Level 4.1',
  [`${root}.4.103`]: 'MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1',
  [`${root}.4.104`]: 'MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video',
  [`${root}.4.105`]: 'MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video',
  [`${root}.4.106`]: 'MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2',
  [`${root}.4.107`]: 'HEVC/H.265 Main Profile / Level 5.1',
  [`${root}.4.108`]: 'HEVC/H.265 Main 10 Profile / Level 5.1',
  [`${root}.4.110`]: 'JPEG XL Lossless',
  [`${root}.4.111`]: 'JPEG XL JPEG Recompression',
  [`${root}.4.112`]: 'JPEG XL',
  [`${root}.4.201`]: 'High-Throughput JPEG 2000 (Lossless Only)',
  [`${root}.4.202`]: 'High-Throughput JPEG 2000 with RPCL Options (Lossless Only)',
  [`${root}.4.203`]: 'High-Throughput JPEG 2000',
};
