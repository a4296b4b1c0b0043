import type { Logger } from 'pino';
import { isOutOfSpace, type Arrival, type Ingest, type IngestOutcome } from '../ingest/ingest.ts';
import { statuses, type Command, type CommandStatus } from './command.ts';

/** Takes the data set of one message, piece by piece. */
export interface DataSetSink {
  /** When it is done, or resolves, the memory is used for other bytes. */
  write(bytes: Buffer): Promise<void> | undefined;
  /** All of it has come; answers the status for the response. */
  end(): Promise<CommandStatus>;
  /** The peer is gone. */
  discard(): Promise<void>;
}

/** Reads a data set that nobody wants, for the sake of the messages after it. */
export function drain(status: CommandStatus): DataSetSink {
  return { write: () => undefined, end: async () => status, discard: async () => undefined };
}

export type StoreContext = {
  readonly abstractSyntax: string;
  readonly transferSyntax: string;
  readonly callingTitle: string;
};

/** C-STORE as SCP (PS3.4 annex B): refuses what it can by the command alone, and streams the rest to the ingest. */
export async function openStoreSink(
  command: Command,
  context: StoreContext,
  deps: { readonly ingest: Ingest; readonly log: Logger },
): Promise<DataSetSink> {
  const { affectedSopClassUID: sopClassUID, affectedSopInstanceUID: sopInstanceUID } = command;
  if (sopClassUID !== context.abstractSyntax)
    return drain({ status: statuses.sopClassNotSupported, comment: 'not the SOP class of this context' });
  if (!/^[0-9]+(\.[0-9]+)*$/.test(sopInstanceUID) || sopInstanceUID.length > 64)
    return drain({ status: statuses.invalidObjectInstance, comment: 'SOP Instance UID is not a UID' });
  const meta = {
    sopClassUID,
    sopInstanceUID,
    transferSyntaxUID: context.transferSyntax,
    sourceApplicationEntityTitle: context.callingTitle,
  };
  let arrival: Arrival | undefined;
  try {
    arrival = await deps.ingest.begin(meta, { receivedFrom: context.callingTitle });
  } catch (error) {
    return drain(failure(error, deps.log));
  }
  return arrival ? storeSink(arrival, deps.log) : drain(outOfResources);
}

const outOfResources: CommandStatus = { status: statuses.outOfResources, comment: 'no space left' };

function storeSink(arrival: Arrival, log: Logger): DataSetSink {
  let failed: CommandStatus | undefined;
  return {
    write(bytes): Promise<void> | undefined {
      if (failed) return undefined;
      return arrival.write(bytes)?.catch((error: unknown) => {
        failed = failure(error, log);
      });
    },
    async end() {
      try {
        if (!failed) return statusOf(await arrival.complete());
        await arrival.discard();
        return failed;
      } catch (error) {
        return failure(error, log);
      }
    },
    discard: async () => arrival.discard(),
  };
}

function failure(error: unknown, log: Logger): CommandStatus {
  if (isOutOfSpace(error)) return outOfResources;
  log.error({ err: error }, 'an object could not be stored');
  return { status: statuses.processingFailure };
}

function statusOf(outcome: IngestOutcome): CommandStatus {
  if ('reason' in outcome) return refusalOf(outcome);
  switch (outcome.kind) {
    case 'stored':
    case 'duplicate':
      return { status: statuses.success };
    case 'conflict':
      // PS3.4 §B.2.3 has no status of its own for this. A warning says: it is stored, but a person should look.
      return {
        status: statuses.storedWithWarning,
        offendingTag: '00080018',
        comment: 'UID known with other content: both kept, first one served',
      };
    case 'sop-class-mismatch':
      return { status: statuses.dataSetDoesNotMatchSopClass, offendingTag: '00080016' };
    case 'sop-instance-mismatch':
    case 'study-mismatch':
      return { status: statuses.invalidObjectInstance, offendingTag: '00080018' };
    case 'out-of-space':
      return outOfResources;
  }
}

function refusalOf(outcome: Extract<IngestOutcome, { reason: string }>): CommandStatus {
  const { kind, reason } = outcome;
  if (kind === 'malformed') return { status: statuses.cannotUnderstand, comment: reason };
  if (kind === 'over-quota') return { status: statuses.outOfResources, comment: reason };
  if (kind === 'refused') return { status: statuses.refusedByPolicy, comment: reason };
  // Only where the site wants it so is a sender told that all is well.
  return outcome.isAcknowledged
    ? { status: statuses.success }
    : { status: statuses.quarantined, comment: `in quarantine: ${reason}` };
}
