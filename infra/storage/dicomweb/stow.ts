import { AppError } from '@medusa/protocol';
import { Router, type Request, type Response } from 'express';
import type { JsonAttribute } from '../dicom/dicom-json.ts';
import { mostMetaBytes, parseFileMeta, type ParsedFileMeta } from '../dicom/file-meta.ts';
import { MalformedDataSet } from '../dicom/malformed.ts';
import { transferSyntaxOf } from '../dicom/transfer-syntax.ts';
import { statuses } from '../dimse/command.ts';
import { tellAccess } from '../access/web-access.ts';
import { isStored, type Arrival, type Ingest, type IngestOutcome } from '../ingest/ingest.ts';
import { claimsOf, onlyStudyOf, requireStudy } from './authorization.ts';
import { parseMediaType } from './media-type.ts';
import { readMultipart } from './multipart.ts';
import { serviceRoot } from './service-root.ts';

/** STOW-RS: stores DICOM files on the same way as C-STORE (PS3.18 §10.5). */
export function stowRoutes(ingest: Ingest): Router {
  const router = Router();
  const store = async (req: Request, res: Response): Promise<void> => storeFiles(req, res, ingest);
  router.post('/studies', store);
  router.post('/studies/:study', store);
  return router;
}

type StoredFile = { readonly meta: ParsedFileMeta | undefined; readonly outcome: IngestOutcome };

async function storeFiles(req: Request, res: Response, ingest: Ingest): Promise<void> {
  if (claimsOf(res).permission !== 'write')
    throw new AppError('access.refused', 'The token does not allow storing');
  const study = req.params['study'] as string | undefined;
  if (study !== undefined) requireStudy(res, study);
  const { type, parameters } = parseMediaType(req.get('content-type') ?? '');
  const boundary = parameters.get('boundary');
  const isDicom = type === 'multipart/related' && parameters.get('type') === 'application/dicom';
  if (!isDicom || !boundary || boundary.length > 70)
    throw new AppError('request.malformed', 'Send multipart/related; type="application/dicom"');
  const files: StoredFile[] = [];
  const onlyStudy = study ?? onlyStudyOf(res);
  for await (const file of readFiles(req, boundary, { ingest, onlyStudy })) files.push(file);
  answer(req, res, files);
}

type Target = { readonly ingest: Ingest; readonly onlyStudy: string | undefined };

async function* readFiles(req: Request, boundary: string, target: Target): AsyncGenerator<StoredFile> {
  let file: FileIntake | undefined;
  try {
    for await (const event of readMultipart(req, boundary)) {
      if (event.kind === 'part') file = new FileIntake(target);
      if (event.kind === 'bytes') await file?.write(event.bytes);
      if (event.kind === 'part-end' && file) yield await file.end();
    }
  } finally {
    await file?.discard();
  }
}

/** One file of the request. It is kept as it came, from its preamble to its end. */
class FileIntake {
  readonly #target: Target;
  #head = Buffer.alloc(0);
  #meta: ParsedFileMeta | undefined;
  #arrival: Arrival | undefined;
  #refusal: IngestOutcome | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.#refusal) return;
    if (this.#arrival) return this.#arrival.write(bytes);
    this.#head = Buffer.concat([this.#head, bytes]);
    try {
      this.#meta = parseFileMeta(this.#head);
    } catch (error) {
      if (!(error instanceof MalformedDataSet)) throw error;
      this.#refusal = { kind: 'malformed', reason: error.message };
      return;
    }
    if (this.#meta) await this.#begin(this.#meta);
    else if (this.#head.length > mostMetaBytes)
      this.#refusal = { kind: 'malformed', reason: 'too long a header' };
  }

  async #begin(meta: ParsedFileMeta): Promise<void> {
    if (!transferSyntaxOf(meta.transferSyntaxUID)) {
      this.#refusal = { kind: 'malformed', reason: 'the transfer syntax is unknown' };
      return;
    }
    const { ingest, onlyStudy } = this.#target;
    const sender = { receivedFrom: 'STOW-RS', ...(onlyStudy !== undefined && { onlyStudy }) };
    const header = this.#head.subarray(0, meta.dataOffset);
    this.#arrival = await ingest.begin(meta, sender, Buffer.from(header));
    if (!this.#arrival) {
      this.#refusal = { kind: 'out-of-space' };
      return;
    }
    await this.#arrival.write(this.#head.subarray(meta.dataOffset));
    this.#head = Buffer.alloc(0);
  }

  async end(): Promise<StoredFile> {
    const refusal = this.#refusal ?? (this.#arrival ? undefined : cutShort);
    return { meta: this.#meta, outcome: refusal ?? (await this.#arrival?.complete()) ?? cutShort };
  }

  async discard(): Promise<void> {
    await this.#arrival?.discard();
  }
}

const cutShort: IngestOutcome = { kind: 'malformed', reason: 'the file ends within its header' };

/** PS3.18 §10.5.3 and annex I.2: 200 all stored, 202 some not or with a warning, 409 none. */
function answer(req: Request, res: Response, files: readonly StoredFile[]): void {
  const stored = files.filter(({ outcome }) => isStored(outcome));
  const failed = files.filter(({ outcome }) => !isStored(outcome));
  const hasWarning = files.some(({ outcome }) => outcome.kind === 'conflict');
  const root = serviceRoot(req);
  tellAccess(res, { objects: stored.length, studies: studiesOf(stored) });
  const body = {
    '00081190': attribute('UR', ...studyUrls(stored, root)),
    ...(failed.length > 0 && { '00081198': { vr: 'SQ', Value: failed.map((file) => failedItem(file)) } }),
    ...(stored.length > 0 && {
      '00081199': { vr: 'SQ', Value: stored.map((file) => storedItem(file, root)) },
    }),
  };
  res.status(stored.length === 0 ? 409 : failed.length > 0 || hasWarning ? 202 : 200);
  res.type('application/dicom+json').send(JSON.stringify(body));
}

function studiesOf(stored: readonly StoredFile[]): string[] {
  const studies = stored.flatMap(({ outcome }) => (isStored(outcome) ? [outcome.studyInstanceUID] : []));
  return [...new Set(studies)];
}

function studyUrls(stored: readonly StoredFile[], root: string): string[] {
  const studies = studiesOf(stored);
  return studies.length === 1 ? studies.map((study) => `${root}/studies/${study}`) : [];
}

function attribute(vr: string, ...values: (string | number)[]): JsonAttribute {
  return values.length > 0 ? { vr, Value: values } : { vr };
}

function references({ meta }: StoredFile): Record<string, JsonAttribute> {
  return {
    '00081150': attribute('UI', ...(meta ? [meta.sopClassUID] : [])),
    '00081155': attribute('UI', ...(meta ? [meta.sopInstanceUID] : [])),
  };
}

function storedItem(file: StoredFile, root: string): Record<string, JsonAttribute> {
  const study = isStored(file.outcome) ? file.outcome.studyInstanceUID : '';
  return {
    ...references(file),
    '00081190': attribute('UR', `${root}/studies/${study}`),
    ...(file.outcome.kind === 'conflict' && { '00081196': attribute('US', statuses.storedWithWarning) }),
  };
}

const failureReasons = {
  malformed: statuses.cannotUnderstand,
  refused: statuses.refusedByPolicy,
  quarantined: statuses.quarantined,
  'sop-class-mismatch': statuses.dataSetDoesNotMatchSopClass,
  'sop-instance-mismatch': statuses.invalidObjectInstance,
  'study-mismatch': statuses.dataSetDoesNotMatchSopClass,
  'out-of-space': statuses.outOfResources,
  'over-quota': statuses.outOfResources,
} as const;

function failedItem(file: StoredFile): Record<string, JsonAttribute> {
  const { outcome } = file;
  const reason = isStored(outcome) ? statuses.processingFailure : failureReasons[outcome.kind];
  return { ...references(file), '00081197': attribute('US', reason) };
}
