import { AppError } from '@medusa/protocol';
import type { AuditTrail } from '../../audit/index.ts';
import type { OcciReply, OcciRequest, OcciServer } from '../../occi/index.ts';

type Deps = { readonly server: OcciServer; readonly audit: AuditTrail };

/** Every attempt to change something is written to the audit trail; what is refused, the problem handler writes. */
export async function auditedAnswer({ server, audit }: Deps, request: OcciRequest): Promise<OcciReply> {
  if (request.method === 'GET') return server.answer(request);
  const { actor } = request.by;
  const fact = { action: 'resource.changed', actor, objectType: 'occi', detail: askedOf(request) } as const;
  const objectId = request.path.slice(0, 300);
  const reply = await server.answer(request).catch(async (error: unknown) => {
    const code = error instanceof AppError ? error.code : 'internal';
    if (code !== 'access.refused')
      await audit.record({ ...fact, objectId, outcome: 'failure', detail: `${code} ${fact.detail}` });
    throw error;
  });
  await audit.record({ ...fact, objectId: reply.location === null ? objectId : pathIn(reply.location) });
  return reply;
}

function pathIn(location: string): string {
  return new URL(location).pathname;
}

/** Names of categories and attributes, and no values: keys and data of users may be among those. */
function askedOf({ method, path, query, payload }: OcciRequest): string {
  const { entities, categories, locations, call } = payload;
  const asked = {
    ...{ path, action: query.get('action') ?? call?.action },
    categories: [
      ...new Set([
        ...categories.map(({ scheme, term }) => `${scheme}${term}`),
        ...entities.flatMap(({ kind, mixins }) => [...(kind === null ? [] : [kind]), ...mixins]),
      ]),
    ],
    attributes: entities.flatMap(({ attributes }) => [...attributes.keys()]),
    locations,
  };
  return `${method} ${JSON.stringify(asked)}`;
}
