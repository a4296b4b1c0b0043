import {
  entityListSchema,
  entityTestSchema,
  parseInput,
  signedCertificateSchema,
  type certificateRequestSchema,
  type EntityList,
  type EntityTest,
  type revocationSchema,
  type SignedCertificate,
  type putEntitySchema,
} from '@medusa/protocol';
import type { z } from 'zod';
import type { Call } from './provision-api.ts';

export type EntityInput = z.input<typeof putEntitySchema>;

/** PACS, modalities and workstations that storage nodes know. */
export class EntityApi {
  readonly #call: (path: string, options: Call) => Promise<unknown>;

  constructor(call: (path: string, options: Call) => Promise<unknown>) {
    this.#call = call;
  }

  async list(signal?: AbortSignal): Promise<EntityList> {
    return parseInput(entityListSchema, await this.#call('/api/entities', { signal }));
  }

  async put(title: string, body: EntityInput): Promise<void> {
    await this.#call(pathOf(title), { method: 'PUT', body });
  }

  async remove(title: string): Promise<void> {
    await this.#call(pathOf(title), { method: 'DELETE' });
  }

  async setUnlisted(unlisted: EntityList['unlisted']): Promise<void> {
    await this.#call('/api/entity-policy', { method: 'PUT', body: { unlisted } });
  }

  /** C-ECHO, now, by every storage node. */
  async test(title: string): Promise<EntityTest> {
    return parseInput(entityTestSchema, await this.#call(`${pathOf(title)}/echo`, { method: 'POST' }));
  }

  async sign(title: string, body: z.input<typeof certificateRequestSchema>): Promise<SignedCertificate> {
    const made = await this.#call(`${pathOf(title)}/certificates`, { method: 'POST', body });
    return parseInput(signedCertificateSchema, made);
  }

  async revoke(title: string, body: z.input<typeof revocationSchema>): Promise<void> {
    await this.#call(`${pathOf(title)}/revocations`, { method: 'POST', body });
  }
}

function pathOf(title: string): string {
  return `/api/entities/${encodeURIComponent(title)}`;
}
