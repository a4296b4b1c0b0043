import { storageConfigSchema } from '../config.ts';
import { characterSets, singleByteLabel } from '../dicom/charset.ts';
import { harmlessBytes, mostInflatedBytes, mostInflation } from '../dicom/byte-source.ts';
import { keywordOf } from '../dicom/dictionary.ts';
import { deepestSequence, mostElements } from '../dicom/element-reader.ts';
import { implementationClassUID, implementationVersionName } from '../dicom/file-meta.ts';
import { transferSyntaxes } from '../dicom/transfer-syntax.ts';
import { applicationContextName, mostContexts } from '../dimse/associate.ts';
import { mostIdentifierBytes } from '../dimse/association.ts';
import { statuses } from '../dimse/command.ts';
import { mostOperations } from '../dimse/negotiate.ts';
import { abortReasons, mostPduBytes, rejections } from '../dimse/pdu.ts';
import {
  identifierSyntaxes,
  serviceClasses,
  storageCommitment,
  storageElsewhere,
  storageRoot,
  studyRootFind,
  studyRootGet,
  studyRootMove,
  verification,
} from '../dimse/services.ts';
import { counted } from '../index/find.ts';
import { seriesTags, studyTags } from '../index/attributes.ts';
import { columns } from '../index/matching.ts';
import { giveUpMs, pauses } from '../routing/routing.ts';
import { tlsProfile } from '../tls/trust.ts';
import {
  abortMeanings,
  operationsOf,
  policyMeanings,
  rejectionMeanings,
  statusMeanings,
  transferSyntaxNames,
} from './names.ts';
import { hex, table } from './table.ts';

const defaults = storageConfigSchema.parse({
  brokerUrl: 'https://localhost',
  nodeId: 'node',
  directory: '/',
  tlsCert: 'cert',
  tlsKey: 'key',
});

/** The DICOM Conformance Statement (PS3.2) of the storage node, made of the tables that the node itself runs by. */
export function conformanceStatement(): string {
  return `${[overview(), networking(), queries(), outcomes(), defence(), characters(), security()].join('\n\n')}\n`;
}

function overview(): string {
  const services = Object.entries(serviceClasses).flatMap(([uid, service]) =>
    service ? [[service.name, uid, scuOf(uid), 'yes']] : [],
  );
  return `# DICOM Conformance Statement: storage node

Made by \`node infra/storage/conformance/main.ts\` from the tables that the storage node runs by (PS3.2). Do not change it by hand.

## Overview

The storage node keeps what is sent to it, serves it, and sends it on. It coerces no attribute, transcodes nothing, and adds no private attribute: the data set of
every object leaves it byte for byte as it came (storage level 2, full). DICOMweb (QIDO-RS, WADO-RS, STOW-RS) is described in \`infra/storage/README.md\`.

${table(
  ['Network service', 'SOP class', 'User (SCU)', 'Provider (SCP)'],
  [
    ...services,
    [
      'Storage: every standard SOP class',
      `${storageRoot}*, ${[...storageElsewhere].join(', ')}`,
      'yes',
      'yes',
    ],
    ['Storage: private SOP classes', 'any UID outside of 1.2.840.10008', 'yes', 'yes'],
  ],
)}

Media: none. Character sets and security: below.`;
}

function scuOf(uid: string): string {
  if (uid === verification) return 'yes';
  return [studyRootFind, studyRootMove, studyRootGet].includes(uid) ? 'yes, for priors' : 'no';
}

function networking(): string {
  const seconds = (ms: number): string => `${ms / 1000} s`;
  const syntaxes = transferSyntaxes.map((uid) => [transferSyntaxNames[uid] ?? '', uid]);
  return `## Networking

One application entity, by default \`${defaults.aeTitle}\`, on port ${defaults.dicomPort}, and with TLS on a port of its own (2762 is the registered one). TCP over IPv4 and IPv6.

### Association policy

${table(
  ['', ''],
  [
    ['Application context', applicationContextName],
    ['Maximum PDU size received', `${mostPduBytes}`],
    ['Maximum PDU size sent', `that of the peer, at most ${mostPduBytes}`],
    ['Presentation contexts', `1 to ${mostContexts}`],
    [
      'Associations at once, as acceptor',
      `${defaults.mostAssociations} (configurable); more are rejected as transient`,
    ],
    [
      'Asynchronous operations window',
      `as acceptor as proposed, at most ${mostOperations} invoked by the peer; own requests: one at a time`,
    ],
    [
      'Role selection',
      'as acceptor: SCP role for storage, to who may retrieve; as requestor: SCP role for storage (C-GET) and storage commitment',
    ],
    [
      'Extended negotiation',
      'query and retrieve: relational queries yes; combined date-time, fuzzy names, time zones no',
    ],
    ['User identity negotiation', 'no'],
    ['ARTIM', `${seconds(defaults.artimMs)} (configurable)`],
    ['Idle', `${seconds(defaults.idleMs)} (configurable), then A-ABORT`],
    ['Implementation class UID', implementationClassUID],
    ['Implementation version name', implementationVersionName],
  ],
)}

A caller is admitted by its AE title and, over TLS, by its certificate; a registry of application entities says what it may ask for. A presentation context for
which it may not is refused with result 1 (user rejection).

### Transfer syntaxes of storage

Of those proposed the first one that is in this table is accepted. For a peer that has the SCP role (C-GET) it is the first one in which objects of that SOP class
lie here. Objects are sent in the transfer syntax that they are stored in, in one presentation context for each pair of SOP class and transfer syntax.

${table(['Name', 'UID'], syntaxes)}

### Transfer syntaxes of the other services

Verification: as above. Query, retrieve and commitment: ${identifierSyntaxes.map((uid) => `${transferSyntaxNames[uid] ?? ''} (${uid})`).join(', ')}.

### Operations

${table(['SOP class', 'Operations', 'Longest identifier'], operationRows())}

What the node sends by itself: forwarded objects (C-STORE), C-ECHO to the entities of its registry, questions for priors (${keyList([studyRootFind, studyRootMove, studyRootGet])}; MOVE or GET as the registry says of that entity), and commitment reports (N-EVENT-REPORT on
an association of its own, ${storageCommitment}). What fails is tried again after ${seconds(pauses.firstMs)}, then after twice as long, at most ${seconds(pauses.mostMs)}, for ${giveUpMs / 3_600_000} hours, also over a restart.`;
}

function operationRows(): string[][] {
  return Object.entries(serviceClasses).flatMap(([uid, service]) => {
    if (!service) return [];
    const { kind, name } = service;
    const most =
      kind === 'verification' || kind === 'storage' ? '' : `${mostIdentifierBytes[kind] / 1024} KiB`;
    return [[uid === verification ? name : `${name} (${uid})`, operationsOf[kind], most]];
  });
}

function keyList(uids: readonly string[]): string {
  return uids.map((uid) => serviceClasses[uid]?.name ?? uid).join(', ');
}

const matchings = {
  uid: 'single value, list of UIDs',
  text: 'single value, wildcards',
  name: 'single value, wildcards, without regard to case, in any of the three groups',
  range: 'single value, range',
  number: 'single value',
  modalities: 'single value, wildcards, in any series of the study',
} as const;

function queries(): string {
  const tag = (text: string): string => `(${text.slice(0, 4)},${text.slice(4)})`;
  const named = (tags: readonly string[]): string =>
    tags.map((one) => `${keywordOf(one)} ${tag(one)}`).join(', ');
  const rows = Object.entries(columns).flatMap(([key, column]) =>
    column ? [[keywordOf(key), tag(key), column[0], matchings[column[2]]]] : [],
  );
  return `## Query and retrieve

Levels: PATIENT (Patient Root only), STUDY, SERIES, IMAGE. Queries are relational and need no key. Matched in the index:

${table(['Attribute', 'Tag', 'Level', 'Matching'], rows)}

Besides, every attribute that is kept at the level of the query can be matched, sequences too, and returned:

- patient and study: ${named(studyTags)};
- series: ${named(seriesTags)};
- image: every attribute of the object whose value is not bulk data;
- counted: ${named(Object.values(counted).flat())}.

Always returned: QueryRetrieveLevel, RetrieveAETitle, InstanceAvailability (ONLINE). Retrieval takes the unique keys of the level and those above, single values or lists of UIDs.`;
}

function outcomes(): string {
  const statusRows = Object.entries(statuses).map(([name, status]) => [
    hex(status),
    statusMeanings[name as keyof typeof statuses],
  ]);
  const rejectionRows = Object.entries(rejections).map(([name, { result, source, reason }]) => [
    `${result === 'permanent' ? 1 : 2},${source},${reason}`,
    rejectionMeanings[name as keyof typeof rejections],
  ]);
  const abortRows = Object.entries(abortReasons).map(([name, reason]) => [
    `2,${reason}`,
    abortMeanings[name as keyof typeof abortReasons],
  ]);
  const userAbort = ['0,0', 'before an association: any other PDU than a request for one, or a broken one'];
  return `## Statuses, rejections, aborts

${table(['Status', 'Meaning'], statusRows)}

${table(['A-ASSOCIATE-RJ result, source, reason', 'Meaning'], rejectionRows)}

${table(['A-ABORT source, reason', 'Meaning'], [userAbort, ...abortRows])}`;
}

const policyTitles = {
  suspicious: 'A suspicious or infected object',
  quarantineAnswer: 'Status of C-STORE for an object in quarantine',
  unscanned: 'An object that could not be scanned (only with a scanner)',
  tiffPreamble: 'A preamble that makes the file a TIFF',
} as const;

function defence(): string {
  const rows = Object.entries(policyMeanings).flatMap(([name, choices]) =>
    Object.entries(choices).map(([choice, meaning]) => {
      const isDefault = defaults[name as keyof typeof policyMeanings] === choice;
      return [
        policyTitles[name as keyof typeof policyMeanings],
        `${choice}${isDefault ? ' (default)' : ''}`,
        meaning,
      ];
    }),
  );
  return `## Refused objects and quarantine

Never kept, status C000 with the reason in words: a data set that is broken, has sequences nested deeper than ${deepestSequence}, more than ${mostElements} elements, fewer frames than
Number of Frames says, or that inflates to more than ${mostInflatedBytes / 2 ** 20} MiB or, beyond ${harmlessBytes / 2 ** 20} MiB, to more than ${mostInflation} times its length.

Suspicious is an object with a preamble by which its file is of another kind too (program, script, archive, document, web page; CVE-2019-11687), or with a program in a private
value of VR OB, OW or UN or in Encapsulated Document, or one in which the site’s malware scanner finds something. Objects by C-STORE come without a preamble. No byte of an
object is ever changed for its sake. What a site chooses:

${table(['', 'Choice', 'What follows'], rows)}

An object in quarantine is invisible to query, retrieval, DICOMweb and storage commitment, and is not forwarded. STOW-RS tells it as failed with reason C101, whatever the choice.
An administrator releases it, by which it is stored as if it came then, or deletes it.`;
}

function characters(): string {
  const written = characterSets.filter((name) => singleByteLabel(name) !== undefined);
  return `## Character sets

Read: ${characterSets.join(', ')}, and with code extensions (ISO 2022) those of PS3.3 tables C.12-3 and C.12-4. Answers to queries are in the default repertoire where that
is enough, then in the set of the question if it is one of ${written.join(', ')} and has all letters, otherwise in ISO_IR 192.`;
}

function security(): string {
  return `## Security

DICOM over TLS by the “BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile” (PS3.15): ${tlsProfile.minVersion.replace('v', ' ')} to ${tlsProfile.maxVersion.replace('v', ' ')}, never less, and no
fall-back to plaintext. Curves: ${tlsProfile.ecdhCurve.replaceAll(':', ', ')}. Cipher suites:

${tlsProfile.ciphers
  .split(':')
  .map((name) => `- ${name}`)
  .join('\n')}

Both sides show a certificate (X.509, PEM). Believed are the node’s own authorities, several at a time while peers change over, and those that the site adds;
revocation lists of each are applied at once. A certificate is bound to an AE title: by its common name, or as the registry of application entities says. Plaintext can be
refused for one title or as a whole. A peer without a good certificate gets no DICOM answer at all.`;
}
