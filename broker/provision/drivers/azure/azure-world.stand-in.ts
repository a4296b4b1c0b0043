import { readFileSync } from 'node:fs';
import path from 'node:path';

export type Json = Record<string, unknown>;
export type Stored = {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  etag: number;
  body: Json & { properties: Json };
  /** What `provisioningState` or the power comes to next, and when; `gone` takes the resource away. */
  next: { at: number; apply: () => void } | null;
};

export class ArmError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const answers = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'recorded/answers.json'), 'utf8'),
) as Record<string, Json & { properties: Json }> & { statuses: Json[]; skus: Json[]; usages: Json[] };

export const subscription = '11111111-2222-4333-8444-555555555555';
export const group = `/subscriptions/${subscription}/resourceGroups/medusa/providers`;
export const givenSubnet = `${group}/Microsoft.Network/virtualNetworks/given/subnets/default`;

/** What a resource group has. Ids are compared without case, as ARM does. */
export class AzureWorld {
  readonly resources = new Map<string, Stored>();
  readonly stepMs: number;
  /** How the next machine fails after it was accepted. */
  failProvisioning: { code: string; message: string } | null = null;
  #number = 0;

  constructor(stepMs: number) {
    this.stepMs = stepMs;
  }

  number(): number {
    this.#number += 1;
    return this.#number;
  }

  settle(): void {
    for (const stored of [...this.resources.values()])
      if (stored.next && Date.now() >= stored.next.at) {
        const { apply } = stored.next;
        stored.next = null;
        apply();
      }
  }

  /** In truth, visible or not. */
  find(id: string): Stored | undefined {
    this.settle();
    return this.resources.get(id.toLowerCase());
  }

  need(id: string): Stored {
    const stored = this.find(id);
    if (!stored)
      throw new ArmError(
        400,
        'InvalidResourceReference',
        `Resource ${id} referenced by another was not found.`,
      );
    return stored;
  }

  all(type: string): Stored[] {
    this.settle();
    return [...this.resources.values()].filter((stored) => stored.type.toLowerCase() === type.toLowerCase());
  }

  store(id: string, body: Json & { properties: Json }): Stored {
    const [, type = '', name = ''] = /\/providers\/([^/]+\/[^/]+)\/([^/]+)$/.exec(id) ?? [];
    const stored: Stored = {
      id,
      type,
      name,
      etag: this.number(),
      body,
      next: null,
    };
    this.resources.set(id.toLowerCase(), stored);
    return stored;
  }

  later(stored: Stored, apply: () => void): void {
    stored.next = { at: Date.now() + this.stepMs, apply };
  }

  remove(stored: Stored): void {
    this.resources.delete(stored.id.toLowerCase());
  }

  show({ id, name, type, etag, body }: Stored): Json {
    return { id, name, type, etag: `W/"${etag}"`, ...body };
  }
}
