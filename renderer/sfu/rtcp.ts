const payloadSpecificFeedback = 206;
const pictureLossIndication = 1;
const fullIntraRequest = 4;
const senderReport = 200;
/** Seconds from 1900 (NTP) to 1970. */
const ntpEpochSeconds = 2_208_988_800;

/** The media sources (SSRC) of which a compound RTCP packet wants a keyframe (RFC 4585 PLI, RFC 5104 FIR). */
export function keyframesWanted(packet: Buffer): number[] {
  const wanted: number[] = [];
  for (let at = 0; at + 4 <= packet.length; at += (packet.readUInt16BE(at + 2) + 1) * 4) {
    const format = packet.readUInt8(at) & 0x1f;
    if (packet.readUInt8(at + 1) !== payloadSpecificFeedback) continue;
    // FIR names its sources behind the header, where it has a zero.
    if (format === pictureLossIndication && at + 12 <= packet.length)
      wanted.push(packet.readUInt32BE(at + 8));
    if (format === fullIntraRequest && at + 16 <= packet.length) wanted.push(packet.readUInt32BE(at + 12));
  }
  return wanted;
}

/** RFC 3550 §6.4.1, without report blocks: ties RTP timestamps to the wall clock. */
export function encodeSenderReport(sent: {
  readonly ssrc: number;
  readonly nowMs: number;
  readonly rtpTimestamp: number;
  readonly packets: number;
  readonly payloadBytes: number;
}): Buffer {
  const report = Buffer.alloc(28);
  report[0] = 0x80;
  report[1] = senderReport;
  report.writeUInt16BE(6, 2);
  report.writeUInt32BE(sent.ssrc, 4);
  report.writeUInt32BE(Math.floor(sent.nowMs / 1_000) + ntpEpochSeconds, 8);
  report.writeUInt32BE(Math.floor(((sent.nowMs % 1_000) / 1_000) * 2 ** 32), 12);
  report.writeUInt32BE(sent.rtpTimestamp >>> 0, 16);
  report.writeUInt32BE(sent.packets >>> 0, 20);
  report.writeUInt32BE(sent.payloadBytes >>> 0, 24);
  return report;
}
