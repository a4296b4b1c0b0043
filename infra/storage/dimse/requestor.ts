import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { identityOf, isBound, type PeerCertificate } from '../entities/admission.ts';
import type { Entity } from '../entities/registry.ts';
import { refusalOf, type Trust } from '../tls/trust.ts';
import {
  encodeAssociateRequest,
  parseAssociateAccept,
  parseReject,
  type ProposedContext,
} from './associate.ts';
import type { Command } from './command.ts';
import { MessageExchange, type DataSetReceiver } from './exchange.ts';
import type { AcceptedContext } from './operation.ts';
import { abortReasons, encodeReleaseRequest, pduTypes, ProtocolViolation, type Pdu } from './pdu.ts';
import { Transport, type TransportTimes } from './transport.ts';
import type { Role } from './user-information.ts';

/** The association could not be made; the message is for the log and names no patient. */
class AssociationRefused extends Error {
  override readonly name = 'AssociationRefused';
}

export type Caller = {
  readonly callingTitle: string;
  readonly times: TransportTimes;
  /** What TLS is made of; undefined when this node has no certificates for DICOM. */
  readonly trust: (() => Promise<Trust>) | undefined;
};

/** Takes a request of the peer, which comes only in contexts for which it was let be the SCU. */
export type Receive = (
  command: Command,
  context: AcceptedContext,
  exchange: MessageExchange,
) => Promise<DataSetReceiver | undefined>;

export type Proposal = {
  readonly title: string;
  readonly entity: Entity;
  readonly contexts: readonly ProposedContext[];
  readonly roles?: readonly Role[];
  readonly receive?: Receive;
};

/** An association that we asked for. Disposing releases it, or ends it when it is broken. */
export interface RequestedAssociation extends AsyncDisposable {
  readonly exchange: MessageExchange;
  readonly contexts: readonly AcceptedContext[];
  /** What the peer showed; undefined over plaintext. */
  readonly certificate: PeerCertificate | undefined;
  abort(): void;
}

/** @throws AssociationRefused; no less safe way is tried when one fails */
export async function requestAssociation(caller: Caller, proposal: Proposal): Promise<RequestedAssociation> {
  const { socket, certificate } = await open(caller, proposal);
  const accepted = new Map<number, string>();
  const exchange: MessageExchange = new MessageExchange({
    write: async (bytes) => transport.write(bytes),
    isContext: (id) => accepted.has(id),
    begin: async (command, contextId) => {
      const context = acceptedContexts(proposal, accepted).find(({ id }) => id === contextId);
      if (proposal.receive && context) return proposal.receive(command, context, exchange);
      throw new ProtocolViolation(abortReasons.invalidParameter, 'a request where only responses may come');
    },
  });
  const transport: Transport = new Transport(
    socket,
    caller.times,
    (isReading) => isReading || exchange.isWaiting(),
  );
  const state = { isAssociated: false, isReleasing: false };
  let answered: (error?: Error) => void = () => undefined;
  const answer = new Promise<Error | undefined>((resolve) => (answered = resolve));

  const associated = (pdu: Pdu): void => {
    if (pdu.type === pduTypes.associateReject) {
      const { result, source, reason } = parseReject(pdu.body);
      throw new AssociationRefused(`rejected: ${result}, source ${source}, reason ${reason}`);
    }
    if (pdu.type !== pduTypes.associateAccept) throw unexpected();
    const { contexts, user } = parseAssociateAccept(pdu.body);
    for (const [id, transferSyntax] of contexts) accepted.set(id, transferSyntax);
    exchange.peerMostBytes = user.mostPduBytes;
    state.isAssociated = true;
    answered();
  };
  const take = (pdu: Pdu): Promise<void> | undefined => {
    if (pdu.type === pduTypes.abort) throw new AssociationRefused('aborted by the peer');
    if (!state.isAssociated) associated(pdu);
    else if (pdu.type === pduTypes.data) return exchange.take(pdu.body);
    else if (pdu.type === pduTypes.releaseResponse && state.isReleasing) transport.end();
    else throw unexpected();
    return undefined;
  };
  const run = async (): Promise<void> => {
    let failure: Error = new AssociationRefused('the peer closed the connection');
    try {
      await transport.read({ take, isOver: () => false });
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      if (error instanceof ProtocolViolation) transport.abort(error.reason);
    }
    answered(failure);
    await exchange.fail(failure);
    await transport.closed();
  };
  const running = run();
  const refused = await ask(transport, encodeAssociateRequest(wordsOf(caller, proposal)), answer);
  if (refused) {
    transport.destroy();
    await running;
    throw refused;
  }
  return {
    exchange,
    contexts: acceptedContexts(proposal, accepted),
    certificate,
    abort: () => transport.abort(abortReasons.notSpecified),
    async [Symbol.asyncDispose]() {
      if (!transport.isEnded) {
        state.isReleasing = true;
        const artim = setTimeout(() => transport.destroy(), caller.times.artimMs);
        await transport.write(encodeReleaseRequest()).catch(() => undefined);
        await running;
        clearTimeout(artim);
      }
      await running;
    },
  };
}

function unexpected(): ProtocolViolation {
  return new ProtocolViolation(abortReasons.unexpectedPdu, 'unexpected PDU');
}

function wordsOf(
  { callingTitle }: Caller,
  { title, contexts, roles = [] }: Proposal,
): Parameters<typeof encodeAssociateRequest>[0] {
  return { calledTitle: title, callingTitle, contexts, user: { roles } };
}

async function ask(
  transport: Transport,
  request: Buffer,
  answer: Promise<Error | undefined>,
): Promise<Error | undefined> {
  try {
    await transport.write(request);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
  return answer;
}

function acceptedContexts({ contexts }: Proposal, accepted: ReadonlyMap<number, string>): AcceptedContext[] {
  return contexts.flatMap(({ id, abstractSyntax, transferSyntaxes }) => {
    const transferSyntax = accepted.get(id);
    // Something that was never proposed is nothing we could send.
    if (transferSyntax === undefined || !transferSyntaxes.includes(transferSyntax)) return [];
    return [{ id, abstractSyntax, transferSyntax, isReceiver: true }];
  });
}

type Opened = { readonly socket: Socket; readonly certificate: PeerCertificate | undefined };

async function open({ times, trust }: Caller, { title, entity }: Proposal): Promise<Opened> {
  const { host, port } = entity;
  if (host === undefined || port === undefined) throw new AssociationRefused('its address is not known');
  if (entity.tls === 'off')
    return { socket: await connected(connect({ host, port }), 'connect', times), certificate: undefined };
  if (!trust) throw new AssociationRefused('TLS is required, and this node has no certificates for DICOM');
  return openTls({ host, port, trust: await trust(), times }, { title, entity });
}

type TlsTarget = {
  readonly host: string;
  readonly port: number;
  readonly trust: Trust;
  readonly times: TransportTimes;
};

async function openTls(
  { host, port, trust, times }: TlsTarget,
  { title, entity }: Pick<Proposal, 'title' | 'entity'>,
): Promise<Opened> {
  const socket = connectTls({
    host,
    port,
    ...trust.context,
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: true,
    // Names of hosts say nothing in DICOM: the certificate must be that of the title.
    checkServerIdentity: () => undefined,
  });
  await connected(socket, 'secureConnect', times);
  const leaf = socket.getPeerX509Certificate();
  const reason = leaf ? refusalOf(leaf, trust) : 'no certificate';
  const certificate = leaf && identityOf(leaf);
  if (certificate && reason === undefined && isBound(entity, title, certificate))
    return { socket, certificate };
  socket.destroy();
  throw new AssociationRefused(reason ?? 'certificate of another title');
}

async function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  { artimMs }: TransportTimes,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new AssociationRefused(`no connection: ${error.code ?? error.message}`));
    };
    const timer = setTimeout(() => failed(new Error('it took too long')), artimMs);
    socket.once('error', failed);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}
