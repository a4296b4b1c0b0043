import {
  dueStudiesSchema,
  heldStudiesSchema,
  parseInput,
  type DueStudies,
  type HeldStudies,
  type NodeId,
} from '@medusa/protocol';
import type { Call } from './provision-api.ts';

/** Legal holds, and studies whose retention period is over. */
export class RetentionApi {
  readonly #call: (path: string, options: Call) => Promise<unknown>;

  constructor(call: (path: string, options: Call) => Promise<unknown>) {
    this.#call = call;
  }

  async held(nodeId: NodeId, signal?: AbortSignal): Promise<HeldStudies> {
    return parseInput(heldStudiesSchema, await this.#call(`/api/nodes/${nodeId}/retention/held`, { signal }));
  }

  async due(nodeId: NodeId, signal?: AbortSignal): Promise<DueStudies> {
    return parseInput(dueStudiesSchema, await this.#call(`/api/nodes/${nodeId}/retention/due`, { signal }));
  }

  /** It is kept whatever the rules say. */
  async hold(study: string, reason: string): Promise<void> {
    await this.#rule(study, 'hold', reason);
  }

  /** The rules count for it again. */
  async unhold(study: string, reason: string): Promise<void> {
    await this.#rule(study, 'unhold', reason);
  }

  async #rule(study: string, kind: 'hold' | 'unhold', reason: string): Promise<void> {
    const path = `/api/studies/${encodeURIComponent(study)}/retention/${kind}`;
    await this.#call(path, { method: 'POST', body: { reason } });
  }
}
