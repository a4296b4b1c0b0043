import { AV_PIX_FMT_YUV420P, AVCOL_RANGE_JPEG, AVCOL_SPC_BT709, SWS_POINT } from 'node-av/constants';
import { Frame, SoftwareScaleContext } from 'node-av/lib';
import { checked } from './checked.ts';
import type { GraphicMemory, Rung } from './ladder.ts';

/** Brings 4:2:0 planes to where and how an encoder wants them. */
export type FrameFeed = Disposable & { readonly bring: (frame: Frame) => Promise<Frame> };

/** @param memory where the encoder's own frames lie, unless they lie where ours do. */
export function openFrameFeed(
  { pixelFormat }: Rung,
  size: { readonly widthPx: number; readonly heightPx: number },
  memory: GraphicMemory | undefined,
): FrameFeed {
  if (pixelFormat === AV_PIX_FMT_YUV420P && !memory)
    return { bring: async (frame) => Promise.resolve(frame), [Symbol.dispose]: () => undefined };
  const scaler = new SoftwareScaleContext();
  scaler.allocContext();
  checked(scaler.setOption('sws_flags', SWS_POINT), 'set the scaler up');
  const near = new Frame();
  near.alloc();
  near.format = pixelFormat;
  near.width = size.widthPx;
  near.height = size.heightPx;
  near.colorSpace = AVCOL_SPC_BT709;
  near.colorRange = AVCOL_RANGE_JPEG;
  checked(near.allocBuffer(), 'allocate a frame');
  const far = new Frame();
  far.alloc();
  return {
    bring: async (frame) => {
      checked(near.makeWritable(), 'reuse the frame');
      checked(await scaler.scaleFrame(near, frame), 'convert for the encoder');
      if (!memory) return near;
      far.unref();
      checked(memory.frames.getBuffer(far), 'take graphic memory');
      checked(await memory.frames.transferData(far, near), 'upload a frame');
      return far;
    },
    [Symbol.dispose]() {
      scaler.freeContext();
      near.free();
      far.free();
    },
  };
}
