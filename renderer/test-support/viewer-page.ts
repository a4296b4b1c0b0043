/// <reference lib="dom" />
/** Runs in the browser of a test: a viewer reduced to the picture, its data channels, and a look at its pixels. */
import { Device, type types } from 'mediasoup-client';
import type { DisplayEvent, FrameArrival, InputEvent, StreamRequest, StreamResponse } from '@medusa/protocol';
import { displayEventsLabel, encodeArrivals, encodeInput, frameArrivalsLabel } from '@medusa/protocol';

declare global {
  interface Window {
    relay: (request: StreamRequest) => Promise<StreamResponse>;
    viewer: {
      start: () => Promise<void>;
      send: (event: InputEvent) => void;
      /** Says of these frames when they came. */
      tell: (told: readonly FrameArrival[]) => Promise<void>;
      /** Colour at fractions of the picture's width and height, and its size. */
      look: (x: number, y: number) => { size: [number, number]; rgb: number[] };
      events: DisplayEvent[];
    };
  }
}

type Answer<Kind extends StreamResponse['kind']> = Extract<StreamResponse, { kind: Kind }>;

async function ask<Kind extends StreamRequest['kind']>(
  request: Extract<StreamRequest, { kind: Kind }>,
): Promise<Answer<Kind>> {
  return (await window.relay(request)) as Answer<Kind>;
}

async function openTransport(device: Device, direction: 'send' | 'receive'): Promise<types.Transport> {
  const options = (await ask({ kind: 'create-transport', direction })) as unknown as types.TransportOptions;
  const transport =
    direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
  transport.on('connect', ({ dtlsParameters }, done, failed) => {
    ask({ kind: 'connect-transport', transportId: transport.id, dtlsParameters: { ...dtlsParameters } }).then(
      done,
      failed,
    );
  });
  transport.on('producedata', ({ sctpStreamParameters, label }, done, failed) => {
    ask({
      kind: 'produce-data',
      transportId: transport.id,
      label: label as 'input.events' | 'frames.arrived',
      sctpStreamParameters: { ...sctpStreamParameters },
    }).then(done, failed);
  });
  return transport;
}

const video = document.createElement('video');
const canvas = document.createElement('canvas');
let input: types.DataProducer | undefined;
let isFollowing = false;
let consumeVideo: (() => Promise<void>) | undefined;
let sending: types.Transport | undefined;
let arrivals: types.DataProducer | undefined;

async function start(): Promise<void> {
  // A headless browser does not say its name in a way that the library knows.
  const device = new Device({ handlerName: 'Chrome111' });
  const { routerRtpCapabilities } = await ask({ kind: 'capabilities' });
  await device.load({ routerRtpCapabilities: routerRtpCapabilities });
  const receiving = await openTransport(device, 'receive');
  const rtpCapabilities = { ...device.recvRtpCapabilities };
  video.muted = true;
  document.body.append(video);
  consumeVideo = async () => {
    const consumed = await ask({ kind: 'consume', transportId: receiving.id, rtpCapabilities });
    const consumer = await receiving.consume({
      ...(consumed as unknown as types.ConsumerOptions),
      kind: 'video',
    });
    video.srcObject = new MediaStream([consumer.track]);
    void video.play();
    await ask({ kind: 'resume', consumerId: consumer.id });
  };
  await consumeVideo();
  const told = await ask({ kind: 'consume-data', transportId: receiving.id });
  const display = await receiving.consumeData(told);
  if (display.label !== displayEventsLabel) throw new Error('not the display events');
  display.on('message', (text: string) => {
    const event = JSON.parse(text) as DisplayEvent;
    window.viewer.events.push(event);
    // It is told again until it is done.
    if (event.kind !== 'layer' || isFollowing) return;
    isFollowing = true;
    void consumeVideo?.().finally(() => (isFollowing = false));
  });
  sending = await openTransport(device, 'send');
  input = await sending.produceData({ label: 'input.events', ordered: true });
  const channel = input;
  await new Promise<void>((resolve) => {
    if (channel.readyState === 'open') resolve();
    else channel.on('open', () => resolve());
  });
}

async function tell(told: readonly FrameArrival[]): Promise<void> {
  arrivals ??= await sending?.produceData({
    label: frameArrivalsLabel,
    ordered: false,
    maxRetransmits: 0,
  });
  if (arrivals?.readyState === 'open') arrivals.send(encodeArrivals(told));
}

window.viewer = {
  start,
  tell,
  events: [],
  send: (event) => input?.send(encodeInput(event)),
  look: (x, y) => {
    const [width, height] = [video.videoWidth, video.videoHeight];
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    if (!context || width === 0) return { size: [0, 0], rgb: [] };
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(Math.floor(x * (width - 1)), Math.floor(y * (height - 1)), 1, 1);
    return { size: [width, height], rgb: [...data.slice(0, 3)] };
  },
};
