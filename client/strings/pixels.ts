/** Whether the pixels of a streamed picture are those that were drawn. */
export const pixelStrings = {
  label: 'Picture',
  words: {
    moving: 'Moving',
    refining: 'Refining',
    verified: 'Verified',
    mismatch: 'Mismatch',
    lossy: 'Lossy',
  },
  meanings: {
    moving: 'Sent as video: H.264, lossy, colour at half the resolution (4:2:0).',
    refining: 'The picture rests; its exact pixels are on their way.',
    verified:
      'Every pixel is exactly as the workstation drew it: sent without loss, and its SHA-256 compared in this browser. Press to compare again.',
    mismatch:
      'The pixels here are not those that the workstation drew. The video is shown instead, and the picture is asked for anew.',
    lossy:
      'The picture rests, but its exact pixels have not come: what is shown is video (H.264, lossy, 4:2:0).',
  },
  grays: (levels: number, worstError: number): string => `${levels} grays ± ${worstError}`,
  graysMeaning: (levels: number, worstError: number): string =>
    `Of 256 grays the video keeps ${levels} apart; the worst is ${worstError} ${worstError === 1 ? 'level' : 'levels'} off. Measured by a ramp through the same encoder. A verified picture has them all.`,
  scaled: (word: string, scale: number): string => `${word} · scaled ${Math.round(scale * 100)} %`,
  scaledMeaning: 'This page shows it in another size, so the screen mixes neighbouring pixels.',
  watermark:
    'A watermark is drawn over it by this page: the pixels beneath are as said, those seen are fainter or brighter where its letters are.',
  mismatches: (count: number): string =>
    count === 1 ? 'One mismatch was found so far.' : `${count} mismatches were found so far.`,
} as const;
