import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planBitrate } from './bitrate.ts';
import { H264Packetizer, splitAnnexB } from './h264-packetizer.ts';
import { encodeSenderReport, keyframesWanted } from './rtcp.ts';

/** A NAL unit: any header but 0, no start code inside, ending in a stop bit. */
const nalUnit = fc
  .uint8Array({ minLength: 1, maxLength: 5_000 })
  .map((bytes) => Uint8Array.from([0x65, ...bytes.map((byte) => byte | 1), 0x80]));

function annexB(units: readonly Uint8Array[], zeros: number): Uint8Array {
  return Uint8Array.from(units.flatMap((unit) => [...new Array<number>(zeros).fill(0), 0, 0, 1, ...unit]));
}

/** What a receiver does: NAL units from RTP payloads (RFC 6184 §5.6 and §5.8). */
function depacketize(packets: readonly Buffer[], headerBytes: number): Uint8Array[] {
  const units: number[][] = [];
  for (const packet of packets) {
    const payload = packet.subarray(headerBytes);
    const [indicator = 0, header = 0] = payload;
    if ((indicator & 0x1f) !== 28) units.push([...payload]);
    else if (header & 0x80) units.push([(indicator & 0xe0) | (header & 0x1f), ...payload.subarray(2)]);
    else units.at(-1)?.push(...payload.subarray(2));
  }
  return units.map((unit) => Uint8Array.from(unit));
}

describe('H264Packetizer', () => {
  it('gives back the same NAL units to a receiver, in small packets, the last one marked', () => {
    fc.assert(
      fc.property(fc.array(nalUnit, { minLength: 1, maxLength: 4 }), fc.nat(1), (units, zeros) => {
        const packetizer = new H264Packetizer({
          payloadType: 102,
          ssrc: 7,
          playoutDelayId: 6,
          firstSequence: 65_530,
        });

        const packets = packetizer.packetize(annexB(units, zeros), 0xffff_fff0);

        expect(depacketize(packets, 20)).toEqual(units);
        expect(packets.map((packet) => (packet[1] ?? 0) >> 7)).toEqual([...packets.slice(1).map(() => 0), 1]);
        expect(Math.max(...packets.map((packet) => packet.length))).toBeLessThanOrEqual(1_200);
        expect(packets.map((packet) => packet.readUInt16BE(2))).toEqual(
          packets.map((_, index) => (65_530 + index) & 0xffff),
        );
        expect(new Set(packets.map((packet) => packet.readUInt32BE(4)))).toEqual(new Set([0xffff_fff0]));
      }),
      { numRuns: 50 },
    );
  });

  it('says "no delay" in a header extension when that is agreed on, and nothing otherwise', () => {
    const unit = Uint8Array.of(0, 0, 1, 0x65, 1);
    const options = { payloadType: 102, ssrc: 7, firstSequence: 0 };
    const withDelay = new H264Packetizer({ ...options, playoutDelayId: 6 }).packetize(unit, 1);
    const without = new H264Packetizer({ ...options, playoutDelayId: undefined }).packetize(unit, 1);
    expect(withDelay[0]?.subarray(12, 20).toString('hex')).toBe('bede000162000000');
    expect(without[0]?.toString('hex')).toBe('80e6000000000001000000076501');
  });

  it('ignores bytes without a start code', () => {
    expect(splitAnnexB(Uint8Array.of(1, 2, 3))).toEqual([]);
    expect(splitAnnexB(new Uint8Array())).toEqual([]);
  });
});

describe('RTCP', () => {
  it('hears PLI and FIR also behind other packets, and nothing else', () => {
    const report = encodeSenderReport({ ssrc: 1, nowMs: 0, rtpTimestamp: 2, packets: 3, payloadBytes: 4 });
    const pli = Buffer.from('81ce00020000000000000001', 'hex');
    const fir = Buffer.from('84ce000400000000000000000000000201000000', 'hex');
    expect([pli, fir, Buffer.concat([report, pli, fir])].map(keyframesWanted)).toEqual([[1], [2], [1, 2]]);
    expect(
      [report, Buffer.alloc(0), Buffer.from('81cd0002', 'hex'), Buffer.from('81ce0002', 'hex')].map(
        keyframesWanted,
      ),
    ).toEqual([[], [], [], []]);
  });

  it('writes the time as NTP', () => {
    const report = encodeSenderReport({
      ssrc: 1,
      nowMs: 1_500,
      rtpTimestamp: 2,
      packets: 3,
      payloadBytes: 4,
    });
    expect(report.readUInt32BE(8)).toBe(2_208_988_801);
    expect(report.readUInt32BE(12)).toBe(2 ** 31);
  });
});

describe('planBitrate', () => {
  it('passes over small changes', () => {
    expect(planBitrate(8_000, 4_000.4)).toBe(4_000);
    expect(planBitrate(4_000, 20_000)).toBe(20_000);
    expect(planBitrate(8_000, 8_300)).toBe(8_000);
  });
});
