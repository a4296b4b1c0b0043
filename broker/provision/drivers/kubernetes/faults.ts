import { z } from 'zod';
import { ProviderError, type EndpointAnswer, type ProviderFault } from '../../port/index.ts';

/** Kubernetes API, `meta/v1` Status: the answer to everything that failed. */
const statusSchema = z.object({
  reason: z.string().optional(),
  message: z.string().optional(),
  code: z.int().optional(),
  details: z.object({ retryAfterSeconds: z.number().optional() }).optional(),
});

const faultsByStatus: Readonly<Record<number, ProviderFault>> = {
  400: 'invalid',
  401: 'auth',
  403: 'auth',
  404: 'not-found',
  409: 'conflict',
  413: 'invalid',
  415: 'invalid',
  422: 'invalid',
  429: 'rate-limited',
};

/** What a refused call means. `isChange`: whether it may have had an effect when the server itself failed. */
export function faultOf(answer: EndpointAnswer, isChange: boolean): ProviderError {
  const { text, retryAfterSeconds } = readStatus(answer);
  // kubernetes/plugin/pkg/admission/resourcequota/controller.go: the quota's refusal is a 403 that says so.
  if (answer.status === 403 && /exceeded quota|failed quota/.test(text))
    return new ProviderError('quota', text);
  const isTimed = Number.isFinite(retryAfterSeconds);
  if (answer.status === 429 || (answer.status === 503 && isTimed))
    return new ProviderError('rate-limited', text, {
      retryAfterMs: isTimed ? retryAfterSeconds * 1_000 : 1_000,
    });
  const whenUnknown = isChange ? 'unknown-outcome' : 'transient';
  return new ProviderError(faultsByStatus[answer.status] ?? whenUnknown, text);
}

/** 410 Gone: what was asked for is older than what the server still knows (API concepts, "410 Gone responses"). */
export class GoneError extends ProviderError {
  constructor(message: string) {
    super('transient', message);
    this.name = 'GoneError';
  }
}

function readStatus({ status, text, headers }: EndpointAnswer): { text: string; retryAfterSeconds: number } {
  const { reason, message, details } = parseStatus(text);
  return {
    text: `${reason ?? `HTTP ${status}`}: ${message ?? 'no reason was given'}`,
    retryAfterSeconds: details?.retryAfterSeconds ?? Number(headers['retry-after'] ?? Number.NaN),
  };
}

function parseStatus(text: string): z.infer<typeof statusSchema> {
  try {
    return statusSchema.parse(JSON.parse(text));
  } catch {
    return { message: text.slice(0, 200) };
  }
}
