import {
  AppError,
  displayEventsLabel,
  frameArrivalsLabel,
  framesLabel,
  framesTakenLabel,
  inputEventsLabel,
  inputMovesLabel,
  producedLabelSchema,
  stillLabel,
} from '@medusa/protocol';
import type { StreamRequest, StreamResponse } from '@medusa/protocol';
import { Device } from 'mediasoup-client';
import type { types } from 'mediasoup-client';
import { reportFault } from '../core/report.ts';
import { ChannelVideo } from './channel-video.ts';
import { mediaVideo } from './media-video.ts';
import type { TransportKind } from './transport-kind.ts';
import type { VideoListeners, VideoTransport } from './video-transport.ts';

/** One request to the SFU on the render node, relayed by the broker. */
export type AskStream = (request: StreamRequest) => Promise<StreamResponse>;

/** One negotiated set of transports. Closing it closes all that hangs on them. */
export type Negotiated = {
  /** The present one. */
  video: VideoTransport;
  /** Has the picture come this way, beginning with a keyframe, in place of how it came. */
  readonly openAnew: (kind: TransportKind) => Promise<void>;
  readonly moves: types.DataProducer;
  readonly events: types.DataProducer;
  readonly arrivals: types.DataProducer;
  readonly displayEvents: types.DataConsumer;
  readonly still: types.DataConsumer;
  readonly transports: readonly types.Transport[];
};

type AnswerTo<Kind extends StreamRequest['kind']> = Extract<StreamResponse, { kind: Kind }>;

/** Calls the listed steps with their times, so that the start-up can be shown. */
type NoteStep = (step: 'transport' | 'consume' | 'input') => void;

export type NegotiateOptions = {
  readonly noteStep: NoteStep;
  /** Ways of the picture to try in turn. */
  readonly kinds: readonly TransportKind[];
  readonly refused: (kind: TransportKind) => void;
  /** What this device's check found that its path carries; undefined: it was not checked. */
  readonly pathKbps: number | undefined;
  /** For the video with this id. */
  readonly listen: (id: string) => VideoListeners;
};
type Way = Pick<NegotiateOptions, 'noteStep' | 'listen' | 'pathKbps'> & { readonly kind: TransportKind };

/**
 * Builds both transports, the video, and the data channels; `startMedia` lets pictures come. Whatever fails, nothing is left open on this
 * side.
 */
export async function negotiate(ask: AskStream, options: NegotiateOptions): Promise<Negotiated> {
  const { kinds, refused } = options;
  for (const [index, kind] of kinds.entries()) {
    try {
      return await negotiateBy(ask, { ...options, kind });
    } catch (error) {
      if (!(error instanceof VideoRefusal)) throw error;
      refused(kind);
      // All of it anew: a connection that refused one description may be of no use for another.
      if (index === kinds.length - 1) throw error;
    }
  }
  throw new AppError('request.invalid', 'This browser has no way to show a picture');
}

/** The render node, or this browser, will not have the picture come so. Whatever else fails may pass. */
export class VideoRefusal extends Error {
  readonly kind: TransportKind;

  constructor(kind: TransportKind, cause: unknown) {
    super(`The picture cannot come as ${kind}`, { cause });
    this.kind = kind;
  }
}

function isRefusal(error: unknown): boolean {
  return !(error instanceof AppError) || error.code === 'request.invalid';
}

async function negotiateBy(ask: AskStream, { kind, noteStep, listen, pathKbps }: Way): Promise<Negotiated> {
  await using undo = new AsyncDisposableStack();
  const device = await Device.factory();
  const [{ routerRtpCapabilities }] = await Promise.all([
    askFor(ask, { kind: 'capabilities' }),
    // What this seat had before, in this page or before a reload, makes room.
    askFor(ask, { kind: 'close' }),
  ]);
  await device.load({ routerRtpCapabilities: trusted<types.RtpCapabilities>(routerRtpCapabilities) });

  const receive = await openTransport(ask, device, { direction: 'receive', pathKbps });
  undo.defer(() => receive.close());
  const send = await openTransport(ask, device, { direction: 'send' });
  undo.defer(() => send.close());
  noteStep('transport');

  const openVideo = videoOpener(ask, { device, receive, send, listen });
  const video = await openVideo(kind);
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
    video,
    openAnew: async (other) => {
      negotiated.video = await openVideo(other);
      await askFor(ask, { kind: 'resume', consumerId: negotiated.video.id });
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
export async function startMedia(ask: AskStream, { video, still }: Negotiated): Promise<void> {
  await Promise.all([
    askFor(ask, { kind: 'resume', consumerId: video.id }),
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

export function isConnected({ transports }: Negotiated): boolean {
  return transports.every(({ connectionState }) => connectionState === 'connected');
}

export function closeNegotiated({ video, transports }: Negotiated): void {
  video.close();
  for (const transport of transports) transport.close();
}

async function openTransport(
  ask: AskStream,
  device: Device,
  wanted: { readonly direction: 'send' | 'receive'; readonly pathKbps?: number | undefined },
): Promise<types.Transport> {
  const answer = await askFor(ask, { kind: 'create-transport', ...wanted });
  const options: types.TransportOptions = {
    id: answer.id,
    iceParameters: trusted<types.IceParameters>(answer.iceParameters),
    iceCandidates: answer.iceCandidates.map(trusted<types.IceCandidate>),
    dtlsParameters: trusted<types.DtlsParameters>(answer.dtlsParameters),
    sctpParameters: trusted<types.SctpParameters>(answer.sctpParameters),
  };
  const transport =
    wanted.direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
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

type VideoParts = Pick<NegotiateOptions, 'listen'> & {
  readonly device: Device;
  readonly receive: types.Transport;
  readonly send: types.Transport;
};

function videoOpener(ask: AskStream, parts: VideoParts): (kind: TransportKind) => Promise<VideoTransport> {
  const { receive, send, listen } = parts;
  let taken: types.DataProducer | undefined;
  const open = async (kind: TransportKind): Promise<VideoTransport> => {
    if (kind === 'media') return consumeVideo(ask, parts);
    const frames = await consumeData(ask, receive, framesLabel);
    // In any order, for each word counts for all before it; but the last must not be lost.
    taken ??= await send.produceData({ label: framesTakenLabel, ordered: false });
    return new ChannelVideo(kind, { frames, taken, receive }, listen(frames.id));
  };
  return async (kind) =>
    open(kind).catch((error: unknown) => {
      throw isRefusal(error) ? new VideoRefusal(kind, error) : error;
    });
}

async function consumeVideo(
  ask: AskStream,
  { device, receive, listen }: VideoParts,
): Promise<VideoTransport> {
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
  return mediaVideo(consumer, answer.layer, listen(consumer.id));
}

async function consumeData(
  ask: AskStream,
  receive: types.Transport,
  label: typeof displayEventsLabel | typeof stillLabel | typeof framesLabel,
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
