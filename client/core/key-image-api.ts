import {
  keyImageListSchema,
  keyImageSchema,
  parseInput,
  type KeyImage,
  type KeyImageNote,
  type SessionId,
} from '@medusa/protocol';
import type { Call } from './provision-api.ts';

/** Images that somebody marked or measured on, with how true their pixels were. */
export class KeyImageApi {
  readonly #call: (path: string, options: Call) => Promise<unknown>;

  constructor(call: (path: string, options: Call) => Promise<unknown>) {
    this.#call = call;
  }

  async note(id: SessionId, note: KeyImageNote): Promise<KeyImage> {
    return parseInput(keyImageSchema, await this.#call(pathOf(id), { method: 'POST', body: note }));
  }

  /** Of the session's study, newest first. */
  async list(id: SessionId, signal?: AbortSignal): Promise<readonly KeyImage[]> {
    return parseInput(keyImageListSchema, await this.#call(pathOf(id), { signal })).keyImages;
  }
}

function pathOf(id: SessionId): string {
  return `/api/sessions/${id}/key-images`;
}
