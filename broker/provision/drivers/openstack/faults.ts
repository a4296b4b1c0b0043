import { z } from 'zod';
import { ProviderError, type EndpointAnswer, type ProviderFault } from '../../port/index.ts';

/** Glance: `{ message: 'No image…<br />' }`. */
const plainFaultSchema = z.object({ message: z.string() });
/** Nova and Cinder: `{ badRequest: { message } }`; Keystone: `{ error: { message } }`. */
const namedFaultSchema = z.record(z.string(), z.object({ message: z.string() }));
const neutronFaultSchema = z.object({ NeutronError: z.object({ type: z.string(), message: z.string() }) });
const placementFaultSchema = z.object({ errors: z.array(z.object({ detail: z.string() })).min(1) });
/** Ironic wraps a JSON text into JSON; its middleware does not. */
const ironicFaultSchema = z.object({
  error_message: z.union([z.string(), z.object({ faultstring: z.string() })]),
});
const ironicTextSchema = z.object({ faultstring: z.string() });

const longestMessage = 400;

/** What the service says went wrong, in one line. */
export function messageOf(text: string): string {
  return (wordsOf(parse(text)) ?? withoutMarkup(text))
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, longestMessage);
}

function wordsOf(body: unknown): string | undefined {
  const neutron = neutronFaultSchema.safeParse(body).data;
  if (neutron) return `${neutron.NeutronError.type}: ${neutron.NeutronError.message}`;
  const placement = placementFaultSchema.safeParse(body).data;
  if (placement) return placement.errors[0]?.detail;
  const ironic = ironicFaultSchema.safeParse(body).data?.error_message;
  if (ironic !== undefined) return typeof ironic === 'string' ? innerText(ironic) : ironic.faultstring;
  const plain = plainFaultSchema.safeParse(body).data;
  if (plain) return withoutMarkup(plain.message);
  const named = namedFaultSchema.safeParse(body).data;
  return named && Object.values(named)[0]?.message;
}

function innerText(text: string): string {
  return ironicTextSchema.safeParse(parse(text)).data?.faultstring ?? text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Glance and WSGI servers answer with a page; its title says it all again. */
function withoutMarkup(text: string): string {
  return text.replaceAll(/<head>[\s\S]*?<\/head>/gi, ' ').replaceAll(/<[^>]*>/g, ' ');
}

const capacityWords = /NoValidHost|No valid host|No more IP addresses|ExternalIpAddressExhausted/i;
const quotaWords = /quota|exceed|limit (is )?reached|maximum number of/i;
/** Cinder, and Nova when it speaks for Cinder, refuse with 400 what only the present state forbids. */
const stateWords =
  /Invalid (volume|snapshot)|status must be|must be available|already (attached|in use)|is in use|dependent|still (has|have)|while it is in|in state/i;
/** Ironic's lock of a node is held for the length of another call. */
const lockWords = /is locked by host/i;

const byStatus: Readonly<Record<number, ProviderFault>> = {
  401: 'auth',
  403: 'auth',
  404: 'not-found',
  406: 'transient',
  409: 'conflict',
  410: 'not-found',
  413: 'quota',
  429: 'rate-limited',
};

/** One status says several things; the words tell which. The first that fits. */
const byWords: readonly (readonly [statuses: readonly number[], words: RegExp, fault: ProviderFault])[] = [
  [[400, 403, 404, 409], capacityWords, 'capacity'],
  [[403, 409], quotaWords, 'quota'],
  [[409], lockWords, 'transient'],
  [[400], stateWords, 'conflict'],
];

/** Tells an answer that is not a success as the engine's fault. `isChange`: after a 5xx it is not known what was done. */
export function failureOf(what: string, answer: EndpointAnswer, isChange: boolean): ProviderError {
  const { status } = answer;
  const message = messageOf(answer.text);
  const retryAfterMs = retryAfter(answer.headers['retry-after']);
  // In old Novas and Cinders 413 is the rate limiter's too: then it says when to come back.
  const isLimiter = status === 503 || (status === 413 && !quotaWords.test(message));
  const fault = isLimiter && retryAfterMs !== undefined ? 'rate-limited' : faultOf(status, message, isChange);
  return new ProviderError(fault, `${what}: ${status} ${message}`, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function faultOf(status: number, message: string, isChange: boolean): ProviderFault {
  if (status === 501) return 'invalid';
  if (status >= 500) return isChange ? 'unknown-outcome' : 'transient';
  const told = byWords.find(([statuses, words]) => statuses.includes(status) && words.test(message));
  return told?.[2] ?? byStatus[status] ?? 'invalid';
}

/** RFC 9110 §10.2.3, in seconds; the form with a date is not used by OpenStack. `0` says nothing. */
function retryAfter(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return seconds > 0 ? seconds * 1000 : undefined;
}

/** Reads a success. One that cannot be understood says nothing about what was done. */
export function readAnswer<T>(
  what: string,
  { text, schema, isChange }: { text: string; schema: z.ZodType<T>; isChange: boolean },
): T {
  const read = schema.safeParse(parse(text));
  if (read.success) return read.data;
  const where = read.error.issues.map(({ path, code }) => `${path.join('.')} (${code})`).join(', ');
  throw new ProviderError(
    isChange ? 'unknown-outcome' : 'transient',
    `${what}: the answer is not understood: ${where.slice(0, longestMessage)}`,
  );
}
