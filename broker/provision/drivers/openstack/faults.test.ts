import { expect, it } from 'vitest';
import { z } from 'zod';
import { failureOf, messageOf, readAnswer } from './faults.ts';
import { serviceNames, World, type Recorded } from './stand-in/world.stand-in.ts';

const world = new World();
const answerOf = ({ status, body }: Recorded, headers: Record<string, string> = {}) => ({
  status,
  headers,
  text: typeof body === 'string' ? body : JSON.stringify(body),
});

/** What a real cloud said, and the engine's word for it. */
it.each([
  ['identity', 'POST /v3/auth/tokens 401', 'auth'],
  ['compute', 'GET /v2.1/servers/{id} 404', 'not-found'],
  ['compute', 'POST /v2.1/servers 400', 'invalid'],
  ['compute', 'POST /v2.1/servers/{id}/action 409 suspend', 'conflict'],
  ['network', 'POST /v2.0/security-groups 409', 'quota'],
  ['network', 'DELETE /v2.0/security-groups/{id} 409', 'conflict'],
  ['volume', 'POST /v3/{id}/volumes 413', 'quota'],
  ['volume', 'DELETE /v3/{id}/volumes/{id} 400', 'conflict'],
  ['volume', 'GET /v3/{id}/volumes/{id} 404', 'not-found'],
  ['image', 'GET /v2/images/{id} 404', 'not-found'],
  ['baremetal', 'GET /v1/nodes/{name} 404', 'not-found'],
  ['baremetal', 'POST /v1/allocations 409', 'conflict'],
] as const)('%s %s is %s', (service, call, fault) => {
  const failure = failureOf(service, answerOf(world.say(service, call)), true);
  expect(failure.fault).toBe(fault);
  expect(failure.message).not.toMatch(/[{}<>]|undefined/);
});

/** Bodies of the API references, for what could not be provoked. */
it.each([
  [429, '{"overLimit":{"code":429,"message":"slow down"}}', 'rate-limited', 7],
  [413, '{"overLimit":{"code":413,"message":"This request was rate-limited."}}', 'rate-limited', 3],
  [503, 'busy', 'rate-limited', 2],
  [503, 'busy', 'unknown-outcome', undefined],
  [
    504,
    '<html><head><title>504</title></head><body>Gateway Time-out</body></html>',
    'unknown-outcome',
    undefined,
  ],
  [403, '{"forbidden":{"code":403,"message":"Quota exceeded for cores: Requested 8"}}', 'quota', undefined],
  [
    403,
    '{"forbidden":{"code":403,"message":"Policy doesn\'t allow it to be performed."}}',
    'auth',
    undefined,
  ],
  [
    409,
    '{"NeutronError":{"type":"X","message":"No more IP addresses available on network x."}}',
    'capacity',
    undefined,
  ],
  [409, '{"error_message":"{\\"faultstring\\": \\"Node x is locked by host y\\"}"}', 'transient', undefined],
  [501, '{"notImplemented":{"message":"no such console"}}', 'invalid', undefined],
] as const)('%i %s is told as the engine needs it', (status, text, fault, seconds) => {
  const headers: Record<string, string> = seconds === undefined ? {} : { 'retry-after': String(seconds) };
  const retryAfterMs = seconds === undefined ? undefined : seconds * 1000;
  expect(failureOf('it', { status, text, headers }, true)).toMatchObject({ fault, retryAfterMs });
});

it('knows that a question changed nothing', () => {
  expect(failureOf('it', { status: 500, text: '', headers: {} }, false).fault).toBe('transient');
});

it('says in one short line what a service says in a page', () => {
  expect(
    messageOf(
      '<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1>No image</body></html>',
    ),
  ).toBe('404 Not Found No image');
  expect(messageOf('x'.repeat(10_000))).toHaveLength(400);
  expect(messageOf('')).toBe('');
});

it('says where an answer is not understood, and not what it holds', () => {
  const read = (): unknown =>
    readAnswer('it', {
      text: '{"server":{"id":7,"adminPass":"secret"}}',
      schema: z.object({ server: z.object({ id: z.string() }) }),
      isChange: true,
    });
  expect(read).toThrow(/server\.id/);
  expect(read).not.toThrow(/secret/);
});

it('keeps recordings free of secrets', () => {
  const text = serviceNames.map((service) => JSON.stringify(world.recorded[service])).join('\n');
  expect(text).not.toMatch(/fixture-secret|gAAAA|127\.0\.0\.1/);
  expect(text.length).toBeLessThan(300_000);
});
