import { parseInput, recordingListSchema, type RecordingId, type RecordingView } from '@medusa/protocol';
import type { DocumentCalls } from './document.ts';

/** Films of what rooms saw. */
export class RecordingApi {
  readonly #calls: DocumentCalls;

  constructor(calls: DocumentCalls) {
    this.#calls = calls;
  }

  /** Newest first. */
  async list(signal?: AbortSignal): Promise<readonly RecordingView[]> {
    return parseInput(recordingListSchema, await this.#calls.call('/api/recordings', { signal })).recordings;
  }

  async load(id: RecordingId): Promise<Blob> {
    return this.#calls.load(`/api/recordings/${id}/content`, 'video/mp4');
  }

  async delete(id: RecordingId): Promise<void> {
    await this.#calls.call(`/api/recordings/${id}`, { method: 'DELETE' });
  }
}
