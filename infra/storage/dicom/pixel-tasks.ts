import { AppError } from '@medusa/protocol';
import { openDataSet } from './byte-source.ts';
import { openFrames } from './frame-reader.ts';
import { renderFrame } from './render.ts';
import { writeExplicitLittleEndian } from './transcode.ts';
import { transferSyntaxOf } from './transfer-syntax.ts';
import type { PixelTask, WorkerAnswer } from './worker-task.ts';

/** What threads do with stored pixels. @throws MalformedDataSet */
export async function performPixelTask(task: PixelTask): Promise<WorkerAnswer> {
  try {
    return { ok: true, value: await perform(task) };
  } catch (error) {
    if (error instanceof AppError) return { ok: false, kind: error.code, message: error.message };
    throw error;
  }
}

async function perform(task: PixelTask): Promise<unknown> {
  switch (task.kind) {
    case 'render':
      return renderFrame(task.object, task.request);
    case 'transcode':
      return writeExplicitLittleEndian(task.object, task.target);
    case 'decode': {
      using frames = openFrames(task.object);
      return (await frames.decode(task.frameIndex)).samples;
    }
    case 'inflate': {
      const syntax = transferSyntaxOf(task.file.transferSyntaxUID);
      using source = openDataSet(task.file, syntax?.isDeflated ?? false);
      return Buffer.from(source.read(...task.extent));
    }
  }
}
