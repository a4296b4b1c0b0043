import { parentPort } from 'node:worker_threads';
import { parseObject } from './header.ts';
import { readIdentifier } from './identifier.ts';
import { MalformedDataSet } from './malformed.ts';
import type { WorkerAnswer, WorkerResult, WorkerTask } from './worker-task.ts';

function parsed({ file, wanted }: Extract<WorkerTask, { kind: 'parse' }>): WorkerResult['parse'] {
  const { attributes, ...rest } = parseObject(file, wanted.split(' '));
  return { ...rest, attributes: JSON.stringify(attributes) };
}

/** Runs in a thread of its own: what a malicious object does to it happens to nobody else. */
async function perform(task: WorkerTask): Promise<WorkerAnswer> {
  switch (task.kind) {
    case 'parse':
      return { ok: true, value: parsed(task) };
    case 'identifier':
      return { ok: true, value: readIdentifier(Buffer.from(task.bytes), task.isExplicit) };
    default: {
      // Codecs take longer to load than hundreds of headers to read, so only threads that need them have them.
      const { performPixelTask } = await import('./pixel-tasks.ts');
      return performPixelTask(task);
    }
  }
}

function failure(error: unknown): WorkerAnswer {
  if (error instanceof MalformedDataSet) return { ok: false, kind: 'malformed', message: error.message };
  return { ok: false, kind: 'internal', message: error instanceof Error ? error.message : String(error) };
}

parentPort?.on('message', (task: WorkerTask) => {
  void perform(task)
    .catch(failure)
    .then((answer) => parentPort?.postMessage(answer));
});
