import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LatencySample } from './latency-matcher.ts';
import type { TransportKind } from './transport-kind.ts';
import { TransportSwitch } from './transport-switch.ts';
import type { VideoTransport } from './video-transport.ts';

const page = { visibilityState: 'visible' };
const alive = { isAlive: true, roundTripMs: 10 };

beforeEach(() => {
  vi.useFakeTimers();
  page.visibilityState = 'visible';
  vi.stubGlobal('document', page);
  vi.stubGlobal('RTCRtpReceiver', { getCapabilities: () => ({ codecs: [{ mimeType: 'video/H264' }] }) });
  vi.stubGlobal('VideoDecoder', () => undefined);
  vi.stubGlobal('MediaSource', { isTypeSupported: () => true });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** A viewer to whom the picture comes at once as it is asked for. */
function open(wanted?: TransportKind): {
  transport: TransportSwitch;
  kinds: TransportKind[];
  live: (seconds: number, each?: () => void, path?: typeof alive) => void;
  show: () => void;
} {
  const kinds: TransportKind[] = [];
  const begin = (kind: TransportKind): void => {
    kinds.push(kind);
    transport.began({ kind } as VideoTransport);
  };
  const transport = new TransportSwitch({ wanted, change: begin });
  begin(transport.order[0] ?? 'media');
  const show = (): void => transport.frameShown();
  const live = (seconds: number, each: () => void = show, path = alive): void => {
    for (let second = 0; second < seconds; second += 1) {
      vi.advanceTimersByTime(1_000);
      each();
      transport.look(kinds.at(-1) ?? 'media', path);
    }
  };
  return { transport, kinds, live, show };
}

function samples(totalMs: number): LatencySample[] {
  const [sentAt, shownAt, waitMs, grabMs, encodeMs] = [0, totalMs, 10, 5, 5];
  const sample: LatencySample = { inputSequence: 1, sentAt, shownAt, totalMs, waitMs, grabMs, encodeMs };
  return new Array<LatencySample>(10).fill(sample);
}

describe('TransportSwitch', () => {
  it('goes over when no frame is shown although one is due', () => {
    const { kinds, live } = open();
    live(6, () => undefined);
    expect(kinds).toEqual(['media', 'webcodecs']);
  });

  it('goes over when the node tells of frames and none is shown any more, and not for a picture at rest', () => {
    const { transport, kinds, live, show } = open();
    show();
    live(3, () => transport.framesSent(0));
    // Told late, of frames that were shown.
    show();
    transport.framesSent(5);
    live(60, () => undefined);
    expect(kinds).toEqual(['media']);

    live(8, () => transport.framesSent(20));
    expect(kinds).toEqual(['media', 'webcodecs']);
  });

  it('blames nothing while nobody sees the page, or the path is broken', () => {
    const { kinds, live } = open();
    page.visibilityState = 'hidden';
    live(60, () => undefined);
    page.visibilityState = 'visible';
    live(60, () => undefined, { ...alive, isAlive: false });
    expect(kinds).toEqual(['media']);
  });

  it('tries another way when inputs take long, keeps what is faster, and returns when that is so no more', () => {
    const { transport, kinds, live } = open();
    const timed = (media: number, webcodecs: number) => (): void => {
      transport.frameShown();
      transport.measured(samples(kinds.at(-1) === 'media' ? media : webcodecs));
    };
    live(20, timed(200, 60));
    expect(kinds).toEqual(['media', 'webcodecs']);
    live(20, timed(200, 260));
    expect(kinds).toEqual(['media', 'webcodecs', 'media']);
  });

  it('goes on with the next when one breaks or is refused, in the order of what is left', () => {
    const { transport, kinds } = open('webcodecs');
    transport.broke('webcodecs');
    vi.advanceTimersByTime(1_000);
    expect(kinds).toEqual(['webcodecs', 'media']);
    transport.refused('media');
    expect(transport.order).toEqual(['mse', 'webcodecs', 'media']);
    expect(kinds).toEqual(['webcodecs', 'media']);
  });

  it('asks again for what could not be had at once', () => {
    const { transport, kinds } = open();
    transport.refused('media');
    transport.look('media', alive);
    expect(kinds).toEqual(['media', 'webcodecs']);
  });
});
