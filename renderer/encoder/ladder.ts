import {
  AV_HWDEVICE_TYPE_VAAPI,
  AV_PIX_FMT_NV12,
  AV_PIX_FMT_VAAPI,
  AV_PIX_FMT_YUV420P,
  type AVPixelFormat,
  FF_ENCODER_H264_NVENC,
  FF_ENCODER_H264_VAAPI,
  FF_ENCODER_LIBX264,
  type FFVideoEncoder,
} from 'node-av/constants';
import { HardwareDeviceContext, HardwareFramesContext } from 'node-av/lib';
import { checked } from './checked.ts';

/** FFmpeg's names for H.264 encoders, best first: graphic processors by their maker's or the kernel's interface, and x264, which is everywhere. */
export const encoderNames = ['h264_nvenc', 'h264_vaapi', 'libx264'] as const;
export type EncoderName = (typeof encoderNames)[number];

type Size = { readonly widthPx: number; readonly heightPx: number };

export type Rung = {
  readonly codec: FFVideoEncoder;
  /** What it takes; another format than 4:2:0 planes is converted for it. */
  readonly pixelFormat: AVPixelFormat;
  /** Frames go to graphic memory by that. */
  readonly openMemory?: (size: Size) => GraphicMemory;
  /** For live pictures: constant quality, never above the bit rate, no frame held back. `crf` as of x264. */
  readonly options: (
    settings: Size & { readonly crf: number; readonly isWide: boolean },
  ) => Readonly<Record<string, string>>;
  /** FFmpeg's option that holds the quality, where it may change between two frames. */
  readonly qualityOption?: string;
  /** The bit rate may change between two frames; otherwise the encoder is opened anew. */
  readonly takesBitrate: boolean;
};

export type GraphicMemory = Disposable & {
  readonly device: HardwareDeviceContext;
  readonly frames: HardwareFramesContext;
};

/** Above this many pixels the faster preset keeps two cores in time; on a wide path its bytes are no matter either. */
const largePicturePx = 1_300_000;

function isLargePicture({ widthPx, heightPx }: Size): boolean {
  return widthPx * heightPx > largePicturePx;
}

/**
 * How each is set up. Only x264 was seen at work; the others follow FFmpeg's documentation (ffmpeg-codecs: nvenc; VAAPI encoders) and are tried on
 * each node before they are used: what does not encode there is passed over.
 */
export const rungs: Readonly<Record<EncoderName, Rung>> = {
  h264_nvenc: {
    codec: FF_ENCODER_H264_NVENC,
    pixelFormat: AV_PIX_FMT_YUV420P,
    // Quality levels of both are alike within one or two.
    options: ({ crf }) => ({
      preset: 'p3',
      tune: 'ull',
      profile: 'baseline',
      rc: 'vbr',
      cq: `${crf}`,
      delay: '0',
      zerolatency: '1',
      'forced-idr': '1',
    }),
    takesBitrate: true,
  },
  h264_vaapi: {
    codec: FF_ENCODER_H264_VAAPI,
    pixelFormat: AV_PIX_FMT_NV12,
    openMemory: openVaapi,
    options: ({ crf }) => ({
      profile: 'constrained_baseline',
      rc_mode: 'QVBR',
      global_quality: `${crf}`,
      async_depth: '1',
      idr_interval: '0',
    }),
    takesBitrate: false,
  },
  libx264: {
    codec: FF_ENCODER_LIBX264,
    pixelFormat: AV_PIX_FMT_YUV420P,
    options: ({ crf, isWide, ...size }) => ({
      preset: isWide || isLargePicture(size) ? 'ultrafast' : 'superfast',
      tune: 'zerolatency',
      profile: 'baseline',
      'forced-idr': '1',
      crf: `${crf}`,
    }),
    qualityOption: 'crf',
    takesBitrate: true,
  },
};

/** The first render node of the kernel that speaks VA-API. */
function openVaapi({ widthPx, heightPx }: Size): GraphicMemory {
  using undo = new DisposableStack();
  const device = undo.adopt(new HardwareDeviceContext(), (each) => each.free());
  checked(device.create(AV_HWDEVICE_TYPE_VAAPI, null), 'open VA-API');
  const frames = undo.adopt(new HardwareFramesContext(), (each) => each.free());
  frames.alloc(device);
  frames.format = AV_PIX_FMT_VAAPI;
  frames.swFormat = AV_PIX_FMT_NV12;
  frames.width = widthPx;
  frames.height = heightPx;
  frames.initialPoolSize = 4;
  checked(frames.init(), 'reserve graphic memory');
  const kept = undo.move();
  return { device, frames, [Symbol.dispose]: () => kept.dispose() };
}
