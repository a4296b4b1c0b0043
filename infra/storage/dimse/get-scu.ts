import type { Logger } from 'pino';
import { writeDataSet } from '../dicom/data-set-writer.ts';
import { explicitLittleEndian, implicitLittleEndian } from '../dicom/transfer-syntax.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { ProposedContext } from './associate.ts';
import { commandFields, responseTo, statuses, type Command } from './command.ts';
import type { DataSetReceiver, MessageExchange } from './exchange.ts';
import { whole, type AcceptedContext } from './operation.ts';
import type { Receive, RequestedAssociation } from './requestor.ts';
import { studyRootGet } from './services.ts';
import { drain, openStoreSink } from './store-scp.ts';
import type { Role } from './user-information.ts';

/**
 * PS3.4 table B.5-1, what archives hold: with C-GET the requestor has to say beforehand what it may be sent, in as many contexts as
 * an association can have.
 */
const received: readonly string[] = [
  ...[
    '1',
    '1.1',
    '1.1.1',
    '1.2',
    '1.2.1',
    '1.3',
    '1.3.1',
    '2',
    '2.1',
    '2.2',
    '3.1',
    '4',
    '4.1',
    '4.2',
    '4.3',
  ],
  ...['6.1', '6.2', '7', '7.1', '7.2', '7.3', '7.4', '11.1', '12.1', '12.1.1', '12.2', '12.2.1', '13.1.1'],
  ...[
    '13.1.3',
    '14.1',
    '20',
    '30',
    '66',
    '66.4',
    '66.5',
    '77.1.1',
    '77.1.4',
    '77.1.5.1',
    '77.1.5.4',
    '77.1.6',
  ],
  ...['88.11', '88.22', '88.33', '88.59', '88.67', '104.1', '104.2', '128', '130', '128.1', '481.1', '481.2'],
  ...['481.3', '481.5', '9.1.1', '9.1.2', '9.2.1', '78.1'],
].map((tail) => `1.2.840.10008.5.1.4.1.1.${tail}`);
const uncompressed = [explicitLittleEndian, implicitLittleEndian];
const compressed = [
  '4.90',
  '4.91',
  '4.201',
  '4.203',
  '4.80',
  '4.81',
  '4.70',
  '4.57',
  '4.50',
  '4.51',
  '5',
].map((tail) => `1.2.840.10008.1.2.${tail}`);

/** Contexts in which we take what is got, after those that have ids below `from`; and the roles that say so. */
export function receivingContexts(from: number): { contexts: ProposedContext[]; roles: Role[] } {
  const contexts = received.flatMap((abstractSyntax) =>
    [compressed, uncompressed].map((transferSyntaxes) => ({ abstractSyntax, transferSyntaxes })),
  );
  return {
    contexts: contexts.map((context, index) => ({ id: from + index * 2, ...context })),
    roles: received.map((sopClassUID) => ({ sopClassUID, isScu: false, isScp: true })),
  };
}

/** Takes the objects of a C-GET in the same way as those of a sender. */
export function receiving(title: string, deps: { readonly ingest: Ingest; readonly log: Logger }): Receive {
  return async (command, context, exchange) => {
    const sink =
      command.field === commandFields.storeRequest && command.hasDataSet
        ? await openStoreSink(command, { ...context, callingTitle: title }, deps)
        : drain({ status: statuses.unrecognizedOperation });
    return receiverFor(sink, { command, context, exchange });
  };
}

type Answering = {
  readonly command: Command;
  readonly context: AcceptedContext;
  readonly exchange: MessageExchange;
};

function receiverFor(
  sink: Awaited<ReturnType<typeof openStoreSink>>,
  { command, context, exchange }: Answering,
): DataSetReceiver {
  return {
    write: (bytes): Promise<void> | undefined => sink.write(bytes),
    discard: async () => sink.discard(),
    end: async () => exchange.send(context.id, { ...responseTo(command), ...(await sink.end()) }),
  };
}

/** @throws when the peer says that it failed; some of it may have come all the same */
export async function getStudy({ exchange, contexts }: RequestedAssociation, study: string): Promise<void> {
  const context = contexts.find(({ abstractSyntax }) => abstractSyntax === studyRootGet);
  if (!context) throw new Error('C-GET is not taken there');
  const isExplicit = context.transferSyntax === explicitLittleEndian;
  const identifier = {
    '00080052': { vr: 'CS', Value: ['STUDY'] },
    '0020000D': { vr: 'UI', Value: [study] },
  };
  const request = { affectedSopClassUID: studyRootGet, field: commandFields.getRequest, priority: 0 };
  const question = whole(writeDataSet(identifier, { isExplicit, characterSet: '' }));
  for await (const { command } of exchange.invoke(context.id, request, question)) {
    const isPending = command.status === statuses.pending || command.status === statuses.pendingWithWarning;
    const isOver = command.status === statuses.success || command.status === statuses.storedWithWarning;
    if (!isPending && !isOver)
      throw new Error(`C-GET status ${command.status.toString(16).padStart(4, '0')}`);
  }
}
