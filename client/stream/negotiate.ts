import {
  AppError,
  displayEventsLabel,
  frameArrivalsLabel,
  inputEventsLabel,
  inputMovesLabel,
  producedLabelSchema,
  stillLabel,
} from '@medusa/protocol';
import type { PictureLayer, StreamRequest, StreamResponse } from '@medusa/protocol';
import { Device } from 'mediasoup-client';
import type { types } from 'mediasoup-client';
import { reportFault } from '../core/report.ts';

/** One request to the SFU on the render node, relayed by the broker. */
export type AskStream = (request: StreamRequest) => Promise<StreamResponse>;

/** One negotiated set of transports. Closing it closes all that hangs on them. */
export type Negotiated = {
  /** The present one, and what of the picture it gets. */
  consumer: types.Consumer;
  layer: PictureLayer;
  /** Consumes what the node now gives this viewer, in place of what it had. */
  readonly consumeAnew: () => Promise<void>;
  readonly moves: types.DataProducer;
  readonly events: types.DataProducer;
  readonly arrivals: types.DataProducer;
  readonly displayEvents: types.DataConsumer;
  readonly still: types.DataConsumer;
  readonly transports: readonly types.Transport[];
};

type AnswerTo<Kind extends StreamRequest['kind']> = Extract<StreamResponse, { kind: Kind }>;

/** Calls the listed steps with their times, so that the start-up can be shown. */
export type NoteStep = (step: 'transport' | 'consume' | 'input') => void;

/**
 * Builds both transports, the video, and the data channels; `startMedia` lets pictures come. Whatever fails, nothing is left open on this
 * side.
 */
export async function negotiate(ask: AskStream, noteStep: NoteStep): Promise<Negotiated> {
  await using undo = new AsyncDisposableStack();
  const device = await Device.factory();
  const [{ routerRtpCapabilities }] = await Promise.all([
    askFor(ask, { kind: 'capabilities' }),
    // What this seat had before, in this page or before a reload, makes room.
    askFor(ask, { kind: 'close' }),
  ]);
  await device.load({ routerRtpCapabilities: trusted<types.RtpCapabilities>(routerRtpCapabilities) });

  const receive = await openTransport(ask, device, 'receive');
  undo.defer(() => receive.close());
  const send = await openTransport(ask, device, 'send');
  undo.defer(() => send.close());
  noteStep('transport');

  const video = await consumeVideo(ask, device, receive);
  const displayEvents = await consumeData(ask, receive, displayEventsLabel);
  const still = await consumeData(ask, receive, stillLabel);
  noteStep('consume');

  // Moves: the latest wins, a lost one is not worth a wait. All else must arrive, and in order.
  const moves = await send.produceData({ label: inputMovesLabel, ordered: false, maxRetransmits: 0 });
  const events = await send.produceData({ label: inputEventsLabel, ordered: true });
  const arrivals = await send.produceData({ label: frameArrivalsLabel, ordered: false, maxRetransmits: 0 });
  noteStep('input');

  undo.move();
  const negotiated: Negotiated = {
    ...video,
    consumeAnew: async () => {
      Object.assign(negotiated, await consumeVideo(ask, device, receive));
      await askFor(ask, { kind: 'resume', consumerId: negotiated.consumer.id });
    },
    moves,
    events,
    arrivals,
    displayEvents,
    still,
    transports: [receive, send],
  };
  return negotiated;
}

/** Lets the pictures come, beginning with a whole one. */
export async function startMedia(ask: AskStream, { consumer, still }: Negotiated): Promise<void> {
  await Promise.all([
    askFor(ask, { kind: 'resume', consumerId: consumer.id }),
    askFor(ask, { kind: 'resume', consumerId: still.id }),
  ]);
}

/** New ICE credentials for living transports: mends a changed network path without a new picture. */
export async function restartIce(ask: AskStream, { transports }: Negotiated): Promise<void> {
  for (const transport of transports) {
    const { iceParameters } = await askFor(ask, { kind: 'restart-ice', transportId: transport.id });
    await transport.restartIce({ iceParameters: trusted<types.IceParameters>(iceParameters) });
  }
}

export function closeNegotiated({ transports }: Negotiated): void {
  for (const transport of transports) transport.close();
}

async function openTransport(
  ask: AskStream,
  device: Device,
  direction: 'send' | 'receive',
): Promise<types.Transport> {
  const answer = await askFor(ask, { kind: 'create-transport', direction });
  const options: types.TransportOptions = {
    id: answer.id,
    iceParameters: trusted<types.IceParameters>(answer.iceParameters),
    iceCandidates: answer.iceCandidates.map(trusted<types.IceCandidate>),
    dtlsParameters: trusted<types.DtlsParameters>(answer.dtlsParameters),
    sctpParameters: trusted<types.SctpParameters>(answer.sctpParameters),
  };
  const transport =
    direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
  transport.on('connect', ({ dtlsParameters }, done, fail) => {
    askFor(ask, { kind: 'connect-transport', transportId: transport.id, dtlsParameters }).then(done, fail);
  });
  transport.on('producedata', ({ label, sctpStreamParameters }, done, fail) => {
    askFor(ask, {
      kind: 'produce-data',
      transportId: transport.id,
      label: producedLabelSchema.parse(label),
      sctpStreamParameters,
    }).then(done, fail);
  });
  return transport;
}

async function consumeVideo(
  ask: AskStream,
  device: Device,
  receive: types.Transport,
): Promise<Pick<Negotiated, 'consumer' | 'layer'>> {
  const answer = await askFor(ask, {
    kind: 'consume',
    transportId: receive.id,
    rtpCapabilities: { ...device.recvRtpCapabilities },
  });
  const consumer = await receive.consume({
    id: answer.id,
    producerId: answer.producerId,
    kind: 'video',
    rtpParameters: trusted<types.RtpParameters>(answer.rtpParameters),
    // A workstation answers to the hand: no frame is held back to smooth the pace.
    onRtpReceiver: (receiver) => {
      receiver.jitterBufferTarget = 0;
    },
  });
  return { consumer, layer: answer.layer };
}

async function consumeData(
  ask: AskStream,
  receive: types.Transport,
  label: typeof displayEventsLabel | typeof stillLabel,
): Promise<types.DataConsumer> {
  const answer = await askFor(ask, { kind: 'consume-data', transportId: receive.id, label });
  const consumer = await receive.consumeData({
    id: answer.id,
    dataProducerId: answer.dataProducerId,
    sctpStreamParameters: trusted<types.SctpStreamParameters>(answer.sctpStreamParameters),
    label,
    protocol: answer.protocol,
  });
  consumer.on('error', reportFault);
  return consumer;
}

async function askFor<Kind extends StreamRequest['kind']>(
  ask: AskStream,
  request: Extract<StreamRequest, { kind: Kind }>,
): Promise<AnswerTo<Kind>> {
  const answer = await ask(request);
  if (answer.kind !== request.kind)
    throw new AppError('stream.unknown', `Asked for ${request.kind}, got ${answer.kind}`);
  return answer as AnswerTo<Kind>;
}

/** mediasoup's own objects pass the wire as they are; mediasoup-client checks them (its `ortc` module) before use. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names the type at the call
function trusted<Value>(opaque: Readonly<Record<string, unknown>>): Value {
  return opaque as Value;
}
