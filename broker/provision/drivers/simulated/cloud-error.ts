import type { errorCodes } from './cloud-api.ts';

const statuses: Readonly<Record<(typeof errorCodes)[number], number>> = {
  unauthorized: 401,
  'not-found': 404,
  conflict: 409,
  quota: 403,
  capacity: 503,
  throttled: 429,
  invalid: 400,
  internal: 500,
};

/** An answer of the simulated cloud that is not a success. */
export class CloudError extends Error {
  readonly code: (typeof errorCodes)[number];

  constructor(code: (typeof errorCodes)[number], message: string) {
    super(message);
    this.name = 'CloudError';
    this.code = code;
  }

  get status(): number {
    return statuses[this.code];
  }
}
