import type { HostAnswer } from '@medusa/protocol';

export type HostFault = Extract<HostAnswer, { ok: false }>['fault'];

/** Why a host's program could not do as it was told; its message goes to administrators. */
export class HostError extends Error {
  readonly fault: HostFault;

  constructor(fault: HostFault, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'HostError';
    this.fault = fault;
  }
}
