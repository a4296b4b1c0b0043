import { FFmpegError } from 'node-av/lib';

/** FFmpeg's convention: negative answers are errors. */
export function checked(answer: number, doing: string): number {
  if (answer < 0) throw new Error(`Cannot ${doing}: ${new FFmpegError(answer).message}`);
  return answer;
}
