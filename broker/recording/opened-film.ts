import {
  AppError,
  mostRecordingChunkBytes,
  recordingChunkSchema,
  type RecordingView,
} from '@medusa/protocol';
import type { NodeRegistry } from '../node/index.ts';

/** A film at its node: how large it is, and any part of it. */
export type OpenedFilm = {
  readonly bytes: number;
  readonly sha256: string;
  /** From the first byte to the last one, both included. The next part is asked for when the one before was taken. */
  read(range: { readonly first: number; readonly last: number }): AsyncGenerator<Uint8Array>;
};

/** Nothing dials into a render node: the film comes over the link that the node has made itself, bit by bit, so that nothing else waits for long. */
export function openFilm(
  nodes: NodeRegistry,
  { id: recordingId, nodeId, bytes, sha256 }: RecordingView,
): OpenedFilm {
  if (!nodes.hasLink(nodeId))
    throw new AppError('node.unreachable', 'The node that keeps it is not connected');
  return {
    bytes,
    sha256: sha256 ?? '',
    async *read({ first, last }) {
      for (let offset = first; offset <= last;) {
        const length = Math.min(mostRecordingChunkBytes, last - offset + 1);
        const answer = await nodes.command(nodeId, 'recording.read', { recordingId, offset, length });
        const { bytes: part } = recordingChunkSchema.parse(answer);
        if (part.byteLength === 0) throw new AppError('recording.unknown', 'The recording ends too early');
        yield part;
        offset += part.byteLength;
      }
    },
  };
}
