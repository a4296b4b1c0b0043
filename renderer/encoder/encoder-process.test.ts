import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { participantIdSchema } from '@medusa/protocol';
import { VirtualDisplay } from '../display/index.ts';
import { Drawing } from '../test-support/drawing.ts';
import { H264Decoder } from '../test-support/h264-decoder.ts';
import {
  type AccessUnit,
  type Answer,
  EncoderProcess,
  monotonicMs,
  probeEncoders,
  type StillEvent,
} from './index.ts';
import { type EncoderName, encoderNames } from './ladder.ts';

const size = { widthPx: 640, heightPx: 480 };
const report = (error: unknown): void => void reported.push(error);
let reported: unknown[] = [];
let cleanup: AsyncDisposableStack;
let display: VirtualDisplay;

beforeEach(async () => {
  reported = [];
  cleanup = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'medusa-encoder-'));
  cleanup.defer(async () => rm(folder, { recursive: true }));
  const options = { size, folder, uid: null, report };
  display = cleanup.use(await VirtualDisplay.create(options, AbortSignal.timeout(20_000)));
});
afterEach(async () => cleanup.disposeAsync());

async function openEncoder(
  encoders?: readonly EncoderName[],
): Promise<{ encoder: EncoderProcess; units: AccessUnit[] }> {
  const encoder = cleanup.use(
    await EncoderProcess.open(
      {
        address: display.address,
        xauthorityFile: display.xauthorityFile,
        size,
        framesPerSecond: 30,
        kbps: 4_000,
        thrift: 'plenty',
        ...(encoders && { encoders }),
      },
      report,
      AbortSignal.timeout(20_000),
    ),
  );
  const units: AccessUnit[] = [];
  encoder.events.on('access-unit', (unit) => units.push(unit));
  return { encoder, units };
}

/** Quiet means: no frame for longer than the longest pause between frames of a settling picture. */
async function untilQuiet(units: readonly AccessUnit[]): Promise<void> {
  let count = -1;
  await expect
    .poll(
      () => {
        const isSame = units.length === count;
        count = units.length;
        return isSame && count > 0;
      },
      { interval: 800, timeout: 20_000 },
    )
    .toBe(true);
}

describe('EncoderProcess', () => {
  it('emits a keyframe that decodes to the grays drawn, within one level', async () => {
    await using drawing = await Drawing.open(display.address);
    const grays = [0x00, 0x01, 0x40, 0x80, 0xc0, 0xfe, 0xff];
    for (const [column, gray] of grays.entries())
      await drawing.window(
        { x: column * 64, y: 0, width: 64, height: 480 },
        { backgroundPixel: gray * 0x010101 },
      );
    const { encoder, units } = await openEncoder();
    const decoder = await H264Decoder.open();

    // The first frames may have come before anybody listened.
    encoder.requestKeyframe('main');
    await untilQuiet(units);

    const picture = units
      .slice(units.findIndex((unit) => unit.isKeyframe))
      .map((unit) => decoder.decode(unit.bytes))
      .findLast((decoded) => decoded !== undefined);
    expect(picture).toMatchObject({ width: 640, height: 480 });
    for (const [column, gray] of grays.entries())
      expect(Math.abs((picture?.luma(column * 64 + 32, 240) ?? -1) - gray)).toBeLessThanOrEqual(1);
  });

  it('sends nothing while nothing changes, and a frame with the input that changed it', async () => {
    await using drawing = await Drawing.open(display.address);
    const window = await drawing.window({ x: 0, y: 0, width: 100, height: 100 }, { backgroundPixel: 0 });
    const { encoder, units } = await openEncoder();
    await untilQuiet(units);
    const before = units.length;
    const input = {
      sequence: 42,
      participantId: participantIdSchema.parse('p'),
      injectedAtMs: monotonicMs(),
    };

    encoder.noteInput(input);
    await untilQuiet(units);
    expect(units.length).toBe(before);
    await drawing.paint(window, 0xffffff);

    await expect.poll(() => units[before]).toMatchObject({ isKeyframe: false, input });
    expect(units[before]?.timing.damagedAtMs).toBeGreaterThan(input.injectedAtMs);
  });

  it('tells of a frame that was sent what it answers when the word of the input comes later', async () => {
    await using drawing = await Drawing.open(display.address);
    const window = await drawing.window({ x: 0, y: 0, width: 100, height: 100 }, { backgroundPixel: 0 });
    const { encoder, units } = await openEncoder();
    const answers: Answer[] = [];
    encoder.events.on('answer', (answer) => answers.push(answer));
    await untilQuiet(units);
    const input = {
      sequence: 43,
      participantId: participantIdSchema.parse('p'),
      injectedAtMs: monotonicMs(),
    };
    const before = units.length;
    await drawing.paint(window, 0xffffff);
    await expect.poll(() => units.length).toBeGreaterThan(before);

    encoder.noteInput(input);

    await expect.poll(() => answers.length).toBe(1);
    const [answer] = answers;
    expect(answer?.input).toEqual(input);
    const { timing } = units.find(({ rtpTimestamp }) => rtpTimestamp === answer?.rtpTimestamp) ?? {};
    expect(answer?.timing).toEqual(timing);
  });

  it('answers many keyframe requests with one keyframe at once and one for the late, also on a still picture', async () => {
    const { encoder, units } = await openEncoder();
    await untilQuiet(units);
    const before = units.length;

    for (let asked = 0; asked < 20; asked += 1) encoder.requestKeyframe('main');
    await untilQuiet(units);

    const keyframes = units.slice(before).filter((unit) => unit.isKeyframe).length;
    expect(keyframes).toBeGreaterThanOrEqual(1);
    expect(keyframes).toBeLessThanOrEqual(2);
  });

  it('follows a new size with a keyframe of that size', async () => {
    const { encoder, units } = await openEncoder();
    await untilQuiet(units);
    const before = units.length;

    await display.resize({ widthPx: 800, heightPx: 600 });
    encoder.resize({ widthPx: 800, heightPx: 600 });

    const decoder = await H264Decoder.open();
    await untilQuiet(units);
    const keyframe = units.slice(before).findLast((unit) => unit.isKeyframe);
    expect(keyframe && decoder.decode(keyframe.bytes)).toMatchObject({ width: 800, height: 600 });
  });

  it('refines a picture at rest when that is wanted, and then is quiet', async () => {
    await using drawing = await Drawing.open(display.address);
    const window = await drawing.window({ x: 0, y: 0, width: 640, height: 480 }, { backgroundPixel: 0 });
    const { encoder, units } = await openEncoder();
    const events: StillEvent[] = [];
    encoder.events.on('still', (event) => events.push(event));
    await untilQuiet(units);
    expect(events).toEqual([]);

    encoder.wantStills(true);
    await expect.poll(() => events.at(-1)?.kind).toBe('whole');
    await drawing.paint(window, 0x123456);
    const rgba = Buffer.alloc(640 * 480 * 4, Buffer.from([0x12, 0x34, 0x56, 255]));
    const sha256 = Uint8Array.from(createHash('sha256').update(rgba).digest());
    await expect.poll(() => events.at(-1), { timeout: 10_000 }).toMatchObject({ kind: 'whole', sha256 });
    expect(events.findLast(({ kind }) => kind === 'whole')).toMatchObject({
      rtpTimestamp: units.at(-1)?.rtpTimestamp,
    });

    const before = [units.length, events.length];
    await untilQuiet(units);
    expect([units.length, events.length]).toEqual(before);

    encoder.requestKeyframe('main');
    await expect.poll(() => units.length).toBe((before[0] ?? 0) + 1);
    expect(events.at(-1)).toMatchObject({ kind: 'whole', sha256, rtpTimestamp: units.at(-1)?.rtpTimestamp });
    expect(events.length).toBe((before[1] ?? 0) + 1);
  });

  it('survives the death of its process and begins again with a keyframe', async () => {
    const { encoder, units } = await openEncoder();
    await untilQuiet(units);
    const before = units.length;
    const killed = encoder.pid ?? 0;

    process.kill(killed, 'SIGKILL');

    await expect.poll(() => units.length, { timeout: 20_000 }).toBeGreaterThan(before);
    expect(units[before]?.isKeyframe).toBe(true);
    expect(encoder.pid).not.toBe(killed);
    expect(reported).toHaveLength(1);
  });
});

describe('probeEncoders', () => {
  it('names encoders that really encode, and says why the others do not', async () => {
    const { working, refused } = await probeEncoders();
    expect(working).toContain('libx264');
    expect([...working, ...Object.keys(refused)].sort()).toEqual([...encoderNames].sort());
    for (const reason of Object.values(refused)) expect(reason).not.toBe('');
  });
});

describe('the ladder of encoders', () => {
  it('is stepped down where one does not open, and says which is at work', async () => {
    const { refused } = await probeEncoders();
    const [broken] = encoderNames.filter((name) => refused[name] !== undefined);
    // On a machine where all work there is nothing to step down from.
    if (!broken) return;
    const { encoder, units } = await openEncoder([broken, 'libx264']);

    await untilQuiet(units);

    expect(encoder.name).toBe('libx264');
    expect(units[0]?.isKeyframe).toBe(true);
    expect(String(reported[0])).toContain(broken);
  });

  it('has an end: where none opens, that is told', async () => {
    const { refused } = await probeEncoders();
    const [broken] = encoderNames.filter((name) => refused[name] !== undefined);
    if (broken) await expect(openEncoder([broken])).rejects.toThrow(broken);
  });
});
