import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { writeDataSet } from '../dicom/data-set-writer.ts';
import type { DicomJson } from '../dicom/dicom-json.ts';
import { keyText, type Identifier } from '../dicom/identifier.ts';
import { MalformedDataSet } from '../dicom/malformed.ts';
import { own } from '../dicom/own.ts';
import { explicitLittleEndian } from '../dicom/transfer-syntax.ts';
import type { WorkerPool } from '../dicom/worker-pool.ts';
import { find, isSupported, returned, type FindLevel } from '../index/find.ts';
import type { IndexDatabase } from '../index/index-database.ts';
import type { Service } from './association.ts';
import { statuses, type CommandStatus } from './command.ts';
import type { Operation } from './operation.ts';
import { serviceOf, type InformationModel } from './services.ts';

export type QueryDeps = {
  readonly index: IndexDatabase;
  readonly headers: WorkerPool;
  readonly aeTitle: string;
  readonly log: Logger;
};

/** PS3.4 table C.6.1-1 and C.6.2-1; the study root model has no patient level. */
const levels: Readonly<Record<string, FindLevel | undefined>> = {
  PATIENT: 'patient',
  STUDY: 'study',
  SERIES: 'series',
  IMAGE: 'instance',
};
/** Keys of the request itself, which match nothing. */
const notKeys = new Set(['00080005', '00080052', '00080053', '00080054', '00080056', '00080201']);
/** What a database can be kept busy with by one key. */
const mostWildcards = 16;

export type Asked = { readonly level: FindLevel; readonly identifier: Identifier };

/** The identifier of a query or retrieval; otherwise the status that says why not. */
export async function readAsked(
  operation: Operation,
  identifier: Buffer | undefined,
  { headers }: Pick<QueryDeps, 'headers'>,
): Promise<Asked | CommandStatus> {
  if (!identifier) return { status: statuses.outOfResources, comment: 'the identifier is too long' };
  try {
    const read = await headers.run({
      kind: 'identifier',
      bytes: identifier,
      isExplicit: operation.context.transferSyntax === explicitLittleEndian,
    });
    const level = own(levels, keyText(read.attributes['00080052']).trim());
    const root: InformationModel | undefined = serviceOf(operation.context.abstractSyntax)?.root;
    if (!level || (level === 'patient' && root === 'study'))
      return { ...mismatch, offendingTag: '00080052', comment: 'no level of this information model' };
    operation.asked?.(level, read.attributes);
    return { level, identifier: read };
  } catch (error) {
    if (!(error instanceof MalformedDataSet)) throw error;
    return { status: statuses.cannotUnderstand, comment: error.message };
  }
}

export const mismatch: CommandStatus = { status: statuses.dataSetDoesNotMatchSopClass };

/** C-FIND as SCP (PS3.4 §C.4.1). As many matches are in memory as one page of the index has. */
export function findService(deps: QueryDeps): Service {
  return async (operation, bytes) => {
    const asked = await readAsked(operation, bytes, deps);
    if ('status' in asked) return operation.respond(asked);
    const keys = keysOf(asked.identifier.attributes);
    if (Object.values(keys).some((key) => keyText(key).split('*').length > mostWildcards))
      return operation.respond({ status: statuses.cannotUnderstand, comment: 'too many wildcards' });
    try {
      await answer(operation, asked, { keys, deps });
    } catch (error) {
      if (operation.cancelled.aborted) return;
      deps.log.error({ err: error }, 'a query failed');
      await operation.respond({ status: statuses.processingFailure });
    }
  };
}

async function answer(
  operation: Operation,
  { level, identifier }: Asked,
  { keys, deps }: { keys: DicomJson; deps: QueryDeps },
): Promise<void> {
  const isWhole = Object.keys(keys).every((tag) => isSupported(tag, level));
  const status = isWhole ? statuses.pending : statuses.pendingWithWarning;
  const { characterSet } = identifier;
  const isExplicit = operation.context.transferSyntax === explicitLittleEndian;
  let count = 0;
  for (const known of find(deps.index, { level, keys })) {
    if (operation.cancelled.aborted) return operation.respond({ status: statuses.cancelled });
    const json = {
      ...returned(keys, known),
      '00080052': identifier.attributes['00080052'],
      '00080054': { vr: 'AE', Value: [deps.aeTitle] },
      '00080056': { vr: 'CS', Value: ['ONLINE'] },
    };
    await operation.respond({ status }, writeDataSet(json, { isExplicit, characterSet }));
    // A long answer must not keep others from theirs.
    if (++count % 50 === 0) await nextTurn();
  }
  return operation.respond({ status: statuses.success });
}

function keysOf(attributes: DicomJson): DicomJson {
  return Object.fromEntries(Object.entries(attributes).filter(([tag]) => !notKeys.has(tag)));
}
