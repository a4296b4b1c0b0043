import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { promisify } from 'node:util';
import {
  imageSpecSchema,
  poolViewSchema,
  provisionEventSchema,
  resourceViewSchema,
  type ProvisionEvent,
  type ResourceView,
} from '@medusa/protocol';
import { z } from 'zod';
import { ctFolder } from '../../support/fixtures.ts';
import { startMedusa, type Medusa } from '../../support/medusa.ts';
import { waitFor } from '../../support/wait.ts';

const run = promisify(execFile);

/** The whole product on an address that guests reach, seen as its administrator does: through the API alone. */
export type Hospital = AsyncDisposable & {
  readonly medusa: Medusa;
  readonly call: (
    method: string,
    route: string,
    body?: unknown,
  ) => Promise<{ status: number; body: unknown }>;
  /** As `call`, and throws when it is refused. */
  readonly change: (method: string, route: string, body?: unknown) => Promise<void>;
  readonly resource: (id: string) => Promise<ResourceView>;
  readonly ofPool: (pool: string) => Promise<ResourceView[]>;
  readonly eventsOf: (resource: string) => Promise<ProvisionEvent[]>;
  /** Waits until `fits`; on the way it fails when the resource is in error. */
  readonly resourceThat: (id: string, what: string, expectation: Expectation) => Promise<ResourceView>;
  /** The CT study by DICOM, as a modality sends it. */
  readonly sendStudy: () => Promise<void>;
};
type Expectation = { readonly fits: (view: ResourceView) => boolean; readonly withinMs: number };

const tokenLifeMs = 60_000;

export async function startHospital(bind: string): Promise<Hospital> {
  const medusa = await startMedusa({ bind });
  let token: { text: string; at: number } | undefined;
  const adminToken = async (): Promise<string> => {
    if (!token || Date.now() - token.at > tokenLifeMs)
      token = { text: await medusa.tokenOf('admin'), at: Date.now() };
    return token.text;
  };
  const call: Hospital['call'] = async (method, route, body) =>
    ask(`${medusa.url}${route}`, { method, body, token: await adminToken(), caFile: medusa.caFile });
  const read = async (route: string): Promise<unknown> => {
    const answer = await call('GET', route);
    if (answer.status !== 200) throw new Error(`${route}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const resource: Hospital['resource'] = async (id) =>
    resourceViewSchema.parse(await read(`/api/resources/${id}`));
  return {
    medusa,
    call,
    resource,
    async change(method, route, body) {
      const answer = await call(method, route, body);
      if (answer.status >= 300) throw new Error(`${method} ${route}: ${JSON.stringify(answer.body)}`);
    },
    async ofPool(pool) {
      const answer = await read(`/api/resources?pool=${pool}`);
      return z.object({ resources: z.array(resourceViewSchema) }).parse(answer).resources;
    },
    async eventsOf(id) {
      const answer = await read(`/api/provision/events?resource=${id}&limit=200`);
      return z.object({ events: z.array(provisionEventSchema) }).parse(answer).events;
    },
    resourceThat: async (id, what, { fits, withinMs }) => {
      let last: ResourceView | undefined;
      return waitFor(
        what,
        async () => {
          last = await resource(id);
          if (last.phase === 'error') throw new Error(`${id} is in error: ${last.reason}`);
          return fits(last) ? last : undefined;
        },
        withinMs,
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}; last: ${JSON.stringify(last)}`, { cause: error });
      });
    },
    async sendStudy() {
      await run('dcmsend', [
        ...[bind, String(medusa.dicomPort), '--call', 'MEDUSA', '--scan-directories', '--recurse', ctFolder],
      ]);
    },
    [Symbol.asyncDispose]: async () => medusa[Symbol.asyncDispose](),
  };
}

/** Nobody renders on this computer: what is opened is opened on a guest. */
export async function emptyLocalPool({ call, change, ofPool }: Hospital): Promise<void> {
  const { body } = await call('GET', '/api/pools');
  const pools = z.object({ pools: z.array(poolViewSchema) }).parse(body).pools;
  const local = pools.find(({ id }) => id === 'render');
  if (!local) throw new Error('There is no local pool');
  const { providers, machine, policy, maxUnhealthyPercent, joinSeconds } = local;
  const empty = { ...policy, min: 0, max: 0 };
  await change('PUT', '/api/pools/render', {
    ...{ providers, machine, policy: { ...empty, scaleDownAfterSeconds: 0 } },
    ...{ maxUnhealthyPercent, joinSeconds },
  });
  await waitFor(
    'the local node to go',
    async () => ((await ofPool('render')).length === 0 ? true : undefined),
    60_000,
  );
}

/** A pool of one machine. */
export function poolOfOne(provider: string, machine: Record<string, unknown>, joinSeconds: number): object {
  return {
    providers: [provider],
    machine: { kind: 'machine', role: 'render', slots: 1, ...machine },
    policy: { min: 1, max: 1, scaleDownAfterSeconds: 0 },
    maxUnhealthyPercent: 100,
    joinSeconds,
  };
}

export function imageOf(format: z.infer<typeof imageSpecSchema>['format']): z.infer<typeof imageSpecSchema> {
  return imageSpecSchema.parse({ kind: 'image', role: 'render', architecture: process.arch, format });
}

/** For people, not for asserting: how long each step took. */
export async function tellTimes(hospital: Hospital, resource: string): Promise<void> {
  const steps = (await hospital.eventsOf(resource))
    .filter(({ durationMs }) => durationMs !== null)
    .map(({ text, durationMs }) => `${text}: ${((durationMs ?? 0) / 1000).toFixed(1)} s`);
  process.stdout.write(`  ${resource}: ${steps.reverse().join('; ')}\n`);
}

/** HTTPS that trusts the instance's own authority. `token` absent: nobody is logged in. */
export async function ask(
  url: string,
  options: { method: string; body?: unknown; token?: string; caFile: string },
): Promise<{ status: number; body: unknown }> {
  const { method, body, token, caFile } = options;
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      {
        method,
        ca: readFileSync(caFile),
        agent: false,
        headers: {
          accept: 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: text === '' ? undefined : (JSON.parse(text) as unknown),
          }),
        );
      },
    );
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
