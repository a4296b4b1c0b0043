import {
  aeTitleSchema,
  certificateRequestSchema,
  entityListSchema,
  entityTestSchema,
  entityViewSchema,
  putEntitySchema,
  revocationSchema,
  signedCertificateSchema,
  unlistedSchema,
} from '@medusa/protocol';
import { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import type { Entities } from '../../entity/index.ts';
import { route, type RouteDefinition } from '../route.ts';
import { audited } from './audited.ts';

type EntityRoutesDeps = { readonly entities: Entities; readonly audit: AuditTrail };

const byTitle = z.object({ title: aeTitleSchema });
const policySchema = z.strictObject({ unlisted: unlistedSchema });

/** PACS, modalities and workstations that storage nodes know. */
export function entityRoutes({ entities, audit }: EntityRoutesDeps): RouteDefinition[] {
  const path = '/api/entities/:title';
  return [
    route({
      method: 'get',
      path: '/api/entities',
      summary: 'Application entities, and what storage nodes see of them',
      access: ['admin'],
      response: entityListSchema,
      handle: async () => ({ body: await entities.list() }),
    }),
    route({
      method: 'put',
      path: '/api/entity-policy',
      summary: 'What becomes of application entities that are not listed',
      access: ['admin'],
      body: policySchema,
      response: policySchema,
      handle: async ({ body, caller }) => {
        const change = { audit, caller, action: 'entity.changed', objectId: '*', asked: body } as const;
        await audited(change, async () => entities.setUnlisted(body.unlisted));
        return { body };
      },
    }),
    route({
      method: 'get',
      path,
      summary: 'One application entity',
      access: ['admin'],
      params: byTitle,
      response: entityViewSchema,
      handle: async ({ params: { title } }) => ({ body: await entities.get(title) }),
    }),
    route({
      method: 'put',
      path,
      summary: 'Add an application entity, or change it; storage nodes go by it at once',
      access: ['admin'],
      params: byTitle,
      body: putEntitySchema,
      response: entityViewSchema,
      handle: async ({ params: { title }, body, caller }) => {
        const asked = { act: 'put', ...body };
        const change = { audit, caller, action: 'entity.changed', objectId: title, asked } as const;
        return { body: await audited(change, async ({ actor }) => entities.put(title, body, actor)) };
      },
    }),
    route({
      method: 'delete',
      path,
      summary: 'Remove an application entity; what lies here of it stays',
      access: ['admin'],
      params: byTitle,
      response: byTitle,
      handle: async ({ params, caller }) => {
        const { title: objectId } = params;
        const asked = { act: 'remove' };
        const change = { audit, caller, action: 'entity.changed', objectId, asked } as const;
        await audited(change, async () => entities.remove(params.title));
        return { body: params };
      },
    }),
    route({
      method: 'post',
      path: `${path}/echo`,
      summary: 'C-ECHO now, by every connected storage node, with the result in words',
      access: ['admin'],
      params: byTitle,
      response: entityTestSchema,
      handle: async ({ params: { title }, caller }) => {
        const asked = { act: 'test' };
        const change = { audit, caller, action: 'entity.changed', objectId: title, asked } as const;
        return { body: await audited(change, async () => entities.test(title)) };
      },
    }),
    route({
      method: 'post',
      path: `${path}/certificates`,
      summary: 'A certificate for DICOM over TLS, signed by the authority of a storage node',
      access: ['admin'],
      params: byTitle,
      body: certificateRequestSchema,
      response: signedCertificateSchema,
      handle: async ({ params: { title }, body, caller }) => {
        const asked = { act: 'sign', node: body.nodeId, hosts: body.hosts };
        const change = { audit, caller, action: 'certificate.changed', objectId: title, asked } as const;
        return { body: await audited(change, async () => entities.sign(title, body)) };
      },
    }),
    route({
      method: 'post',
      path: `${path}/revocations`,
      summary: 'A storage node believes a certificate that its authority signed no more',
      access: ['admin'],
      params: byTitle,
      body: revocationSchema,
      response: byTitle,
      handle: async ({ params, body, caller }) => {
        const { title: objectId } = params;
        const asked = { act: 'revoke', node: body.nodeId };
        const change = { audit, caller, action: 'certificate.changed', objectId, asked } as const;
        await audited(change, async () => entities.revoke(objectId, body));
        return { body: params };
      },
    }),
  ];
}
