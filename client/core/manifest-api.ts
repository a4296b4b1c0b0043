import {
  manifestCheckSchema,
  manifestSchema,
  parseInput,
  type Manifest,
  type ManifestCheck,
} from '@medusa/protocol';
import { z } from 'zod';
import { documentCall, type DocumentCalls } from './document.ts';

const catalogueSchema = z.object({ manifests: z.array(manifestSchema) });

/** What can be deployed, and what would happen if something were. For administrators. */
export class ManifestApi {
  readonly #calls: DocumentCalls;

  constructor(calls: DocumentCalls) {
    this.#calls = calls;
  }

  async list(signal?: AbortSignal): Promise<readonly Manifest[]> {
    return parseInput(catalogueSchema, await this.#calls.call('/api/manifests', { signal })).manifests;
  }

  /** One of the catalogue, as its XML. */
  async text(name: string): Promise<string> {
    const path = `/api/manifests/${encodeURIComponent(name)}`;
    return (await this.#calls.load(path, 'application/xml')).text();
  }

  /** Changes nothing. With a provider: as which of its sizes and images. */
  async check(text: string, provider: string | null, signal?: AbortSignal): Promise<ManifestCheck> {
    const query = provider === null ? '' : `?provider=${encodeURIComponent(provider)}`;
    const path = `/api/manifests/check${query}`;
    return parseInput(manifestCheckSchema, await this.#calls.call(path, { ...documentCall(text), signal }));
  }
}
