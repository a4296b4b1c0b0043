import { z } from 'zod';

/** Every error that crosses a process: code → HTTP status, title, whether asking again can help. Codes are stable for ever. */
export const problems = {
  'request.invalid': { status: 422, title: 'The request does not fit its schema', retry: false },
  'request.malformed': { status: 400, title: 'The request could not be read', retry: false },
  'request.too-many': { status: 429, title: 'Too many requests', retry: true },
  'request.too-large': { status: 413, title: 'The request is too large', retry: false },
  'route.unknown': { status: 404, title: 'There is nothing at this address', retry: false },
  'identity.required': { status: 401, title: 'Please log in', retry: false },
  'identity.rejected': { status: 401, title: 'The login is not valid any more', retry: false },
  'access.refused': { status: 403, title: 'Your role does not allow this', retry: false },
  'study.unknown': { status: 404, title: 'There is no such study', retry: false },
  'session.unknown': { status: 404, title: 'There is no such session', retry: false },
  'session.closed': { status: 409, title: 'The session is closed', retry: false },
  'session.no-capacity': { status: 503, title: 'No render node is free', retry: true },
  'session.start-failed': { status: 502, title: 'The session could not be started', retry: true },
  'application.unknown': { status: 404, title: 'There is no such application', retry: false },
  'device.refused': { status: 403, title: 'This device is not fit for viewing', retry: false },
  'invitation.invalid': { status: 404, title: 'The invitation is not valid', retry: false },
  'room.not-joined': { status: 409, title: 'Join the room first', retry: false },
  'room.floor-held': { status: 409, title: 'Somebody else has control', retry: true },
  'recording.refused': { status: 403, title: 'You may not record this session', retry: false },
  'recording.conflict': { status: 409, title: 'The recording does not allow this now', retry: false },
  'recording.consent-needed': {
    status: 409,
    title: 'The session is recorded: agree to see its picture',
    retry: false,
  },
  'recording.unknown': { status: 404, title: 'There is no such recording', retry: false },
  'recording.no-space': { status: 503, title: 'There is no room for another recording', retry: true },
  'node.unknown': { status: 404, title: 'There is no such node', retry: false },
  'node.unreachable': { status: 502, title: 'The render node does not answer', retry: true },
  'storage.unreachable': { status: 502, title: 'The storage node does not answer', retry: true },
  'entity.unknown': { status: 404, title: 'There is no such application entity', retry: false },
  'entity.conflict': { status: 409, title: 'Other entities do not allow this', retry: false },
  'certificate.refused': { status: 422, title: 'No certificate comes of this', retry: false },
  'object.unknown': { status: 404, title: 'There is no such DICOM object', retry: false },
  'object.conflict': {
    status: 409,
    title: 'The same SOP Instance UID is stored with other content',
    retry: false,
  },
  'object.invalid': { status: 400, title: 'The bytes are not a DICOM object', retry: false },
  'object.unrenderable': {
    status: 406,
    title: 'The object cannot be rendered in an acceptable form',
    retry: false,
  },
  'stream.unknown': { status: 404, title: 'There is no such transport or stream', retry: false },
  'transfer.refused': { status: 403, title: 'This may not be transferred', retry: false },
  'transfer.too-large': { status: 413, title: 'This is too much to be transferred', retry: false },
  'manifest.unknown': { status: 404, title: 'There is no such manifest', retry: false },
  'provider.unknown': { status: 404, title: 'There is no such provider', retry: false },
  'pool.unknown': { status: 404, title: 'There is no such pool', retry: false },
  'resource.unknown': { status: 404, title: 'There is no such resource', retry: false },
  'resource.conflict': { status: 409, title: 'The present state does not allow this', retry: false },
  'reservation.unknown': { status: 404, title: 'There is no such reservation', retry: false },
  'reservation.conflict': { status: 409, title: 'There are not that many slots then', retry: false },
  'join.refused': { status: 403, title: 'The join token is not valid', retry: false },
  'provider.failed': { status: 502, title: 'The infrastructure provider failed', retry: true },
  'occi.method-refused': { status: 405, title: 'This cannot be done here', retry: false },
  'occi.not-acceptable': { status: 406, title: 'There is no rendering that you accept', retry: false },
  'occi.not-implemented': { status: 501, title: 'This is not implemented', retry: false },
  'occi.unavailable': {
    status: 503,
    title: 'Something that is needed for this does not answer',
    retry: true,
  },
  'template.unknown': { status: 404, title: 'There is no such template', retry: false },
  'offer.unknown': { status: 404, title: 'There is no such offer', retry: false },
  'offer.expired': { status: 409, title: 'The offer has expired', retry: false },
  'offer.conflict': { status: 409, title: 'The offer does not allow this now', retry: false },
  'offer.unfit': { status: 422, title: 'The offer does not fit', retry: false },
  'agreement.unknown': { status: 404, title: 'There is no such agreement', retry: false },
  'agreement.conflict': { status: 409, title: 'The agreement does not allow this now', retry: false },
  'agreement.over': { status: 410, title: 'The agreement is over', retry: false },
  'service.unknown': { status: 404, title: 'There is no such service', retry: false },
  'service.conflict': { status: 409, title: 'The service does not allow this now', retry: false },
  'service.unfit': { status: 422, title: 'The manifest cannot be deployed there', retry: false },
  internal: { status: 500, title: 'Something broke on our side', retry: true },
} as const satisfies Record<string, { status: number; title: string; retry: boolean }>;

export type ProblemCode = keyof typeof problems;

/** RFC 9457 problem details with our extension members `code`, `retry` and `errors`. */
export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]),
  retry: z.boolean(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** An operation that failed for a reason callers may act upon. `details` go over the wire: no secret, no patient data. */
export class AppError extends Error {
  readonly code: ProblemCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ProblemCode,
    message: string,
    options: { cause?: unknown } & Record<string, unknown> = {},
  ) {
    const { cause, ...details } = options;
    super(message, { cause });
    this.name = 'AppError';
    this.code = code;
    this.details = details;
  }
}

/** What we did not expect stays opaque to the caller; `instance` leads the operator to the log line. */
export function toProblem(error: unknown, instance: string): Problem {
  if (!(error instanceof AppError))
    return { type: 'urn:medusa:problem:internal', code: 'internal', instance, ...problems.internal };
  return {
    ...error.details,
    type: `urn:medusa:problem:${error.code}`,
    code: error.code,
    instance,
    ...problems[error.code],
    detail: error.message,
  };
}

/** Rebuilds the error on the side that receives a problem. */
export function fromProblem(problem: Problem): AppError {
  const { code, detail, title, errors } = problem;
  return new AppError(code, detail ?? title, errors === undefined ? {} : { errors });
}

/** What every socket.io acknowledgement carries. */
export type Ack<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly problem: Problem };
export function ackSchema<Value extends z.ZodType>(value: Value): z.ZodType<Ack<z.infer<Value>>> {
  return z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), value }),
    z.object({ ok: z.literal(false), problem: problemSchema }),
  ]) as unknown as z.ZodType<Ack<z.infer<Value>>>;
}

/** Parses what came from outside, or throws `request.invalid` with a pointer to each fault (RFC 6901). */
export function parseInput<Output>(schema: z.ZodType<Output>, input: unknown): Output {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new AppError('request.invalid', 'The input does not fit its schema', {
    cause: parsed.error,
    errors: parsed.error.issues.map(({ path, message }) => ({
      pointer: `/${path.map(String).join('/')}`,
      message,
    })),
  });
}
