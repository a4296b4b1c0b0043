/**
 * The encoder program: node-av (FFmpeg with GPL parts, see NOTICE) lives in this process alone. The agent speaks to it
 * over Node's IPC channel in the words of messages.ts; it ends when the agent closes the channel or dies.
 */
import { assertNever } from '@medusa/kernel';
import { Converter } from './converter.ts';
import { createGrayRampWatch } from './gray-ramp-watch.ts';
import { H264Encoder } from './h264-encoder.ts';
import { type EncoderName, encoderNames } from './ladder.ts';
import type { EncoderCommand, EncoderProbe, EncoderReport } from './messages.ts';
import { ScreenEncoder } from './screen-encoder.ts';

const failed = 1;
let encoder: ScreenEncoder | undefined;
const measureGrays = createGrayRampWatch((ramp) => tell({ kind: 'grays', ramp }), fail);

function tell(report: EncoderReport): void {
  process.send?.(report);
}

/** The supervisor restarts us: after a failure of native code a fresh process is the only sound state. */
function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(failed);
}

async function obey(command: EncoderCommand): Promise<void> {
  if (command.kind !== 'open') {
    if (encoder) obeyOpened(encoder, command);
    return;
  }
  encoder = await ScreenEncoder.open(command.settings, fail);
  encoder.events.on('access-unit', (accessUnit) => tell({ kind: 'access-unit', accessUnit }));
  encoder.events.on('answer', (answer) => tell({ kind: 'answer', answer }));
  encoder.stills.events.on('still', (event) => tell({ kind: 'still', event }));
  tell({ kind: 'opened' });
  measureGraysOf(encoder);
  await encoder.run();
}

function measureGraysOf(opened: ScreenEncoder): void {
  measureGrays(() => opened.codecSettings);
}

function obeyOpened(opened: ScreenEncoder, command: Exclude<EncoderCommand, { kind: 'open' }>): void {
  switch (command.kind) {
    case 'keyframe':
      opened.requestKeyframe(command.layer);
      break;
    case 'bitrate':
      opened.setBitrate(command.kbps);
      break;
    case 'weak':
      opened.setWeakBitrate(command.kbps);
      break;
    case 'stills':
      opened.wantStills(command.isWanted);
      break;
    case 'resize':
      opened.resize(command);
      measureGraysOf(opened);
      break;
    case 'input':
      opened.noteInput(command.input);
      break;
    default:
      assertNever(command);
  }
}

/** `--probe`: lets each encoder encode a picture, and prints as JSON which can, best first, and why the others cannot. */
async function probe(): Promise<void> {
  const probed: EncoderProbe = { working: [], refused: {} };
  for (const name of encoderNames) {
    try {
      await encodeOne(name);
      probed.working.push(name);
    } catch (error) {
      probed.refused[name] = error instanceof Error ? error.message : String(error);
    }
  }
  process.stdout.write(JSON.stringify(probed));
}

async function encodeOne(name: EncoderName): Promise<void> {
  const size = { widthPx: 640, heightPx: 480 };
  const rates = { framesPerSecond: 30, kbps: 1_000, crf: 12, threads: 1 };
  using converter = new Converter(size);
  using opened = await H264Encoder.open({ ...size, ...rates, encoder: name });
  const { isKeyframe } = await opened.encode(converter.frame, { ticks: 1n, isKeyframe: true });
  if (!isKeyframe) throw new Error('It began without a keyframe');
}

if (process.argv.includes('--probe')) await probe();
else {
  process.on('disconnect', () => process.exit());
  process.on('message', (command: EncoderCommand) => void obey(command).catch(fail));
}
