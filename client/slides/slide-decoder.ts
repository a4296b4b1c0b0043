import { z } from 'zod';
import type { EncodedFrame } from './slide-archive.ts';
import { withColourProfile } from './colour-profile.ts';

/**
 * Stands in for the decoder that the microscopy package brings: its codecs make code from text, which the page's content security policy
 * forbids. What is asked for here (slide-archive.ts) a browser decodes itself, with the slide's own colour profile.
 */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
};

z.config({ jitless: true });

const frameSchema = z.custom<EncodedFrame>((value) => typeof value === 'object' && value !== null);
const taskSchema = z.discriminatedUnion('taskType', [
  z.object({ taskType: z.literal('initialize'), workerIndex: z.int() }),
  z.object({ taskType: z.literal('configureLogger') }),
  z.object({
    taskType: z.literal('decodeAndTransformTask'),
    workerIndex: z.int(),
    data: z.object({
      frame: frameSchema,
      columns: z.int(),
      rows: z.int(),
      sopInstanceUID: z.string(),
      metadata: z.array(z.looseObject({ SOPInstanceUID: z.string() })),
      iccProfiles: z.array(z.instanceof(Uint8Array)).nullish(),
    }),
  }),
]);
type Task = Extract<z.infer<typeof taskSchema>, { taskType: 'decodeAndTransformTask' }>['data'];

scope.onmessage = ({ data }) => {
  const task = taskSchema.parse(data);
  if (task.taskType === 'configureLogger') return;
  const { taskType, workerIndex } = task;
  const answer = (status: 'success' | 'fail', result: unknown, transfer: Transferable[] = []): void => {
    scope.postMessage({ taskType, status, result, workerIndex }, transfer);
  };
  if (taskType === 'initialize') answer('success', {});
  else
    decode(task.data).then(
      (frameData) => {
        answer('success', { frameData }, [frameData]);
      },
      (error: unknown) => {
        answer('fail', String(error));
      },
    );
};

async function decode(task: Task): Promise<ArrayBuffer> {
  const { frame, columns, rows } = task;
  if (frame.mediaType === 'application/octet-stream') return frame.bytes;
  const profile = profileOf(task);
  const bytes =
    frame.mediaType === 'image/jpeg' && profile
      ? withColourProfile(new Uint8Array(frame.bytes), profile)
      : frame.bytes;
  using bitmap = disposable(await createImageBitmap(new Blob([bytes], { type: frame.mediaType })));
  const { width, height } = bitmap.value;
  if (width !== columns || height !== rows)
    throw new Error(`The frame has ${width}×${height} px instead of ${columns}×${rows}`);
  const { colorSpace } = frame;
  const canvas = new OffscreenCanvas(columns, rows);
  const context = canvas.getContext('2d', { colorSpace, willReadFrequently: true });
  if (!context) throw new Error('There is no canvas to decode on');
  context.drawImage(bitmap.value, 0, 0);
  return withoutAlpha(context.getImageData(0, 0, columns, rows, { colorSpace }).data);
}

/** The profiles come in the order of the levels, and lack where one could not be had. */
function profileOf({ metadata, iccProfiles, sopInstanceUID }: Task): Uint8Array | undefined {
  if (iccProfiles?.length !== metadata.length) return undefined;
  return iccProfiles[metadata.findIndex(({ SOPInstanceUID }) => SOPInstanceUID === sopInstanceUID)];
}

function disposable(bitmap: ImageBitmap): Disposable & { readonly value: ImageBitmap } {
  return {
    value: bitmap,
    [Symbol.dispose]: () => {
      bitmap.close();
    },
  };
}

function withoutAlpha(rgba: Uint8ClampedArray): ArrayBuffer {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from] ?? 0;
    rgb[to + 1] = rgba[from + 1] ?? 0;
    rgb[to + 2] = rgba[from + 2] ?? 0;
  }
  return rgb.buffer;
}
