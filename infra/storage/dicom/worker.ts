import { parentPort } from 'node:worker_threads';
import { AppError } from '@medusa/protocol';
import { parseObject } from './header.ts';
import { readIdentifier } from './identifier.ts';
import { openFrames } from './frame-reader.ts';
import { openDataSet } from './byte-source.ts';
import { MalformedDataSet } from './malformed.ts';
import { renderFrame } from './render.ts';
import { transferSyntaxOf } from './transfer-syntax.ts';
import { writeExplicitLittleEndian } from './transcode.ts';
import type { WorkerAnswer, WorkerTask } from './worker-task.ts';

/** Runs in a thread of its own: what a malicious object does to it happens to nobody else. */
async function perform(task: WorkerTask): Promise<unknown> {
  switch (task.kind) {
    case 'parse':
      return parseObject(task.file, task.wanted);
    case 'identifier':
      return readIdentifier(Buffer.from(task.bytes), task.isExplicit);
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
      using source = openDataSet(task.file.path, task.file.dataOffset, syntax?.isDeflated ?? false);
      return Buffer.from(source.read(...task.extent));
    }
  }
}

function failure(error: unknown): WorkerAnswer {
  if (error instanceof MalformedDataSet) return { ok: false, kind: 'malformed', message: error.message };
  if (error instanceof AppError) return { ok: false, kind: error.code, message: error.message };
  return { ok: false, kind: 'internal', message: error instanceof Error ? error.message : String(error) };
}

parentPort?.on('message', (task: WorkerTask) => {
  perform(task).then(
    (value) => parentPort?.postMessage({ ok: true, value } satisfies WorkerAnswer),
    (error: unknown) => parentPort?.postMessage(failure(error)),
  );
});
