import { deviceReportSchema } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { isWireless, judgeDevice, type DeviceMeasurements } from './judge-device.ts';

const workstation: DeviceMeasurements = {
  isSecureContext: true,
  hasPeerConnection: true,
  receiveCodecs: ['H264', 'VP9', 'AV1'],
  transports: ['media', 'webcodecs', 'mse'],
  decodeFramesPerSecond: 240,
  graphics: 'ANGLE (NVIDIA)',
  memoryGiB: 8,
  cores: 8,
  screenWidthPx: 1920,
  screenHeightPx: 1080,
  kind: 'desktop',
  roundTripMs: 2,
  throughputMbps: 300,
  networkType: 'ethernet',
};
const checkedAt = '2026-11-24T08:00:00.000Z';
const judge = (change: Partial<DeviceMeasurements>) => judgeDevice({ ...workstation, ...change }, checkedAt);
const outcomeOf = (id: string, change: Partial<DeviceMeasurements>) =>
  judge(change).items.find((item) => item.id === id)?.outcome;

describe('judgeDevice', () => {
  it('finds a good workstation fit for reading, in a report that fits the wire', () => {
    const report = judge({});

    expect(report.verdict).toBe('production');
    expect(report.items.every(({ outcome }) => outcome === 'pass')).toBe(true);
    expect(deviceReportSchema.parse(report)).toEqual(report);
  });

  it.each<[string, Partial<DeviceMeasurements>, string, string, string]>([
    ['no https', { isSecureContext: false }, 'secure', 'fail', 'refused'],
    ['no WebRTC', { hasPeerConnection: false }, 'codecs', 'fail', 'refused'],
    ['no H.264 at all', { receiveCodecs: ['VP8'], transports: [] }, 'codecs', 'fail', 'refused'],
    [
      'H.264 by the page',
      { receiveCodecs: ['VP8'], transports: ['webcodecs'] },
      'codecs',
      'pass',
      'production',
    ],
    ['H.264 as a film', { receiveCodecs: [], transports: ['mse'] }, 'codecs', 'warn', 'demo'],
    ['slow decoding', { decodeFramesPerSecond: 40 }, 'decode', 'warn', 'demo'],
    ['very slow decoding', { decodeFramesPerSecond: 10 }, 'decode', 'fail', 'refused'],
    ['no way to measure decoding', { decodeFramesPerSecond: null }, 'decode', 'skipped', 'production'],
    ['software graphics', { graphics: 'Google SwiftShader' }, 'graphics', 'warn', 'production'],
    ['no graphics', { graphics: null }, 'graphics', 'warn', 'production'],
    ['4 GiB', { memoryGiB: 4 }, 'memory', 'warn', 'demo'],
    ['1 GiB', { memoryGiB: 1 }, 'memory', 'fail', 'refused'],
    ['untold memory', { memoryGiB: null }, 'memory', 'skipped', 'production'],
    ['2 cores', { cores: 2 }, 'processor', 'warn', 'demo'],
    ['1 core', { cores: 1 }, 'processor', 'fail', 'refused'],
    ['a small screen', { screenWidthPx: 1280, screenHeightPx: 720 }, 'screen', 'warn', 'demo'],
    ['an upright screen', { screenWidthPx: 1080, screenHeightPx: 1920 }, 'screen', 'pass', 'production'],
    ['a tiny screen', { screenWidthPx: 800, screenHeightPx: 600 }, 'screen', 'fail', 'refused'],
    [
      'a phone, however sharp',
      { kind: 'phone', screenWidthPx: 1170, screenHeightPx: 2532 },
      'device',
      'fail',
      'refused',
    ],
    ['a tablet', { kind: 'tablet' }, 'device', 'warn', 'demo'],
    ['a far site', { roundTripMs: 80 }, 'roundTrip', 'warn', 'demo'],
    ['another continent', { roundTripMs: 300 }, 'roundTrip', 'fail', 'refused'],
    ['a thin line', { throughputMbps: 20 }, 'throughput', 'warn', 'demo'],
    ['a slow home', { throughputMbps: 2 }, 'throughput', 'warn', 'demo'],
    ['a modem', { throughputMbps: 0.5 }, 'throughput', 'fail', 'refused'],
    ['an unmeasured line', { throughputMbps: null }, 'throughput', 'warn', 'demo'],
    ['a wireless network', { networkType: 'wifi' }, 'network', 'warn', 'production'],
    ['an untold network', { networkType: null }, 'network', 'skipped', 'production'],
  ])('%s', (...[, change, item, outcome, verdict]) => {
    expect(outcomeOf(item, change)).toBe(outcome);
    expect(judge(change).verdict).toBe(verdict);
  });

  it('lets one failure outweigh all that is good', () => {
    expect(judge({ kind: 'phone', memoryGiB: 4 }).verdict).toBe('refused');
  });

  it('knows wireless networks', () => {
    expect(isWireless({ networkType: 'cellular' })).toBe(true);
    expect(isWireless({ networkType: 'ethernet' })).toBe(false);
    expect(isWireless({ networkType: null })).toBe(false);
  });
});
