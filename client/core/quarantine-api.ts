import {
  parseInput,
  quarantineListSchema,
  quarantineReleasedSchema,
  type NodeId,
  type QuarantineList,
  type QuarantineReleased,
} from '@medusa/protocol';
import type { Call } from './provision-api.ts';

/** What a storage node keeps and serves to nobody. */
export class QuarantineApi {
  readonly #call: (path: string, options: Call) => Promise<unknown>;

  constructor(call: (path: string, options: Call) => Promise<unknown>) {
    this.#call = call;
  }

  async list(nodeId: NodeId, signal?: AbortSignal): Promise<QuarantineList> {
    return parseInput(quarantineListSchema, await this.#call(pathOf(nodeId), { signal }));
  }

  /** It is stored as if it came now. */
  async release(nodeId: NodeId, objectId: string): Promise<QuarantineReleased> {
    const answer = await this.#call(`${pathOf(nodeId)}/${objectId}/release`, { method: 'POST' });
    return parseInput(quarantineReleasedSchema, answer);
  }

  async remove(nodeId: NodeId, objectId: string): Promise<void> {
    await this.#call(`${pathOf(nodeId)}/${objectId}`, { method: 'DELETE' });
  }
}

function pathOf(nodeId: NodeId): string {
  return `/api/nodes/${nodeId}/quarantine`;
}
