import { expect, it } from 'vitest';
import { readStatistics } from './statistics.ts';

const report = (timestamp: number, bytesReceived: number, emitted: number) =>
  new Map<string, unknown>([
    [
      'in',
      {
        type: 'inbound-rtp',
        kind: 'video',
        timestamp,
        bytesReceived,
        framesPerSecond: 30,
        frameWidth: 1280,
        frameHeight: 720,
        packetsLost: 1,
        codecId: 'codec',
        jitterBufferDelay: emitted * 0.01,
        jitterBufferEmittedCount: emitted,
      },
    ],
    ['codec', { type: 'codec', mimeType: 'video/H264' }],
    [
      'pair',
      { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.004, localCandidateId: 'local' },
    ],
    ['local', { type: 'local-candidate', protocol: 'udp' }],
  ]);

it('reads rates from the difference of two readings', () => {
  const first = readStatistics(report(1_000, 0, 0), undefined);
  const second = readStatistics(report(2_000, 125_000, 30), first?.reading);

  expect(first?.statistics.kbps).toBe(0);
  expect(second?.statistics).toEqual({
    transport: 'media',
    framesPerSecond: 30,
    widthPx: 1280,
    heightPx: 720,
    codec: 'H264',
    kbps: 1_000,
    roundTripMs: 4,
    packetsLost: 1,
    jitterBufferMs: expect.closeTo(10) as number,
    protocol: 'udp',
  });
});

it('tells the protocol of the pair of candidates that is used, not of one that was', () => {
  const entries = new Map([
    ...report(1_000, 0, 0),
    ['transport', { type: 'transport', selectedCandidatePairId: 'other' }],
    ['other', { type: 'candidate-pair', nominated: true, localCandidateId: 'stream' }],
    ['stream', { type: 'local-candidate', protocol: 'tcp' }],
  ]);
  expect(readStatistics(entries, undefined)?.statistics.protocol).toBe('tcp');
});

it('answers nothing before any video came', () => {
  expect(readStatistics(new Map(), undefined)).toBeUndefined();
});
