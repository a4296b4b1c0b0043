import type { Failure, Progress } from './fuzz-pdus.ts';
import { services, strangeIdentifier, type AskedService } from './identifiers.ts';
import { leakOf, levelOf } from './leaks.ts';
import { parseCommand } from './model-command.ts';
import { createRandom, seedOf } from './random.ts';
import { connectPeer, type Peer } from './peer.ts';
import {
  encodeCommand,
  encodeData,
  encodeRequest,
  pdu,
  text,
  uids,
  us,
  usualRequest,
  type Elements,
} from './wire.ts';
import type { StorageNode } from '../support/storage-node.ts';

export type IdentifierReport = {
  readonly identifiers: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  readonly leak: string | undefined;
};

const title = 'ASKER';
const nowhere = 'NOWHERE';
/** The node's registry has to know who asks, and where nobody listens. */
export const askers = {
  [title]: { tls: 'off', may: ['query', 'retrieve', 'commit'] },
  [nowhere]: { tls: 'off', host: '127.0.0.1', port: 1 },
};

const mostFailures = 10;
/** A new association now and then. Those of the first are there before memory is measured. */
const perAssociation = 200;
/** Something failed on the node's side. Whatever is asked, it must be able to say more. */
const processingFailure = 0x0110;
const mostPending = 10_000;

type Options = { readonly seed: number; readonly count: number; readonly progress?: Progress };

/** Strange and broken identifiers of queries, retrievals and commitment requests. Each has to be answered, on one association. */
export async function fuzzIdentifiers(node: StorageNode, options: Options): Promise<IdentifierReport> {
  const { count, progress } = options;
  const told: Told = { statuses: {}, failures: [] };
  const isBad = (): boolean => told.failures.length >= mostFailures || node.fault() !== undefined;
  await askMany(node, { ...options, from: 0, to: perAssociation }, told);
  const before = await levelOf(node);
  for (let from = perAssociation; from < count && !isBad(); from += perAssociation) {
    await askMany(node, { ...options, from, to: Math.min(count, from + perAssociation) }, told);
    progress?.(from, count);
  }
  const leak = node.fault() ?? leakOf(before, await levelOf(node));
  return { identifiers: count, ...told, leak };
}

type Told = { readonly statuses: Record<string, number>; readonly failures: Failure[] };

async function askMany(
  node: StorageNode,
  { seed, from, to }: { seed: number; from: number; to: number },
  { statuses, failures }: Told,
): Promise<void> {
  using peer = await connectPeer(node.port);
  await associate(peer);
  for (let run = from; run < to; run++) {
    const random = createRandom(seedOf(seed, run));
    const service = random.pick(services);
    const identifier = strangeIdentifier(random);
    const status = await ask(peer, { service, identifier, messageId: 1 + (run % 60_000) });
    const name = `${service.name}: ${status?.toString(16).padStart(4, '0') ?? 'no answer'}`;
    statuses[name] = (statuses[name] ?? 0) + 1;
    if (status === undefined || status === processingFailure)
      failures.push({ run, reason: name, bytes: identifier.toString('hex') });
    if (status === undefined) return;
  }
  await peer.release();
}

async function associate(peer: Peer): Promise<void> {
  const contexts = services.map(({ sopClass }, index) => ({
    id: index * 2 + 1,
    abstractSyntax: sopClass,
    transferSyntaxes: [uids.explicit],
  }));
  peer.send(encodeRequest(usualRequest({ calling: title, contexts })));
  if ((await peer.next())?.type !== pdu.associateAccept) throw new Error('No association');
}

async function ask(
  peer: Peer,
  asked: { service: AskedService; identifier: Buffer; messageId: number },
): Promise<number | undefined> {
  const { service, identifier, messageId } = asked;
  const context = services.indexOf(service) * 2 + 1;
  const command = { context, control: 3, bytes: encodeCommand(commandOf(service, messageId)) };
  peer.send(encodeData([command, { context, control: 2, bytes: identifier }]));
  for (let pending = 0; pending < mostPending; pending++) {
    const status = await nextStatus(peer, messageId);
    if (status === undefined || (status !== 0xff00 && status !== 0xff01)) return status;
  }
  return undefined;
}

function commandOf({ sopClass, field }: AskedService, messageId: number): Elements {
  const isAction = field === 0x0130;
  return [
    [isAction ? 0x0003 : 0x0002, text(sopClass)],
    [0x0100, us(field)],
    [0x0110, us(messageId)],
    ...(field === 0x0021 ? [[0x0600, text(nowhere)] as const] : []),
    [0x0700, us(0)],
    [0x0800, us(1)],
    ...(isAction ? [[0x1001, text('1.2.840.10008.1.20.1.1')] as const, [0x1008, us(1)] as const] : []),
  ];
}

/** Of the next response; data sets between are read and thrown away. */
async function nextStatus(peer: Peer, messageId: number): Promise<number | undefined> {
  for (;;) {
    const heard = await nextCommand(peer);
    if (!heard) return undefined;
    const { context, command } = heard;
    if (command?.isResponse && command.messageId === messageId) return command.status;
    // A report of commitment, asked for by nobody: it is answered as one must.
    if (command?.field === 0x0100) peer.send(reportAnswer(context, command.messageId));
  }
}

async function nextCommand(
  peer: Peer,
): Promise<{ context: number; command: ReturnType<typeof parseCommand> } | undefined> {
  const chunks: Buffer[] = [];
  for (;;) {
    const heard = await peer.next();
    if (heard?.type !== pdu.data) return undefined;
    const control = heard.body.readUInt8(5);
    if ((control & 1) !== 0) chunks.push(heard.body.subarray(6));
    if ((control & 3) === 3)
      return { context: heard.body.readUInt8(4), command: parseCommand(Buffer.concat(chunks)) };
  }
}

function reportAnswer(context: number, messageId: number): Buffer {
  const elements: Elements = [
    [0x0100, us(0x8100)],
    [0x0120, us(messageId)],
    [0x0800, us(0x0101)],
    [0x0900, us(0)],
  ];
  return encodeData([{ context, control: 3, bytes: encodeCommand(elements) }]);
}
