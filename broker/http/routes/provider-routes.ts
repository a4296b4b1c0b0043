import {
  providerCatalogSchema,
  providerIdSchema,
  providerKindViewSchema,
  providerViewSchema,
  putProviderSchema,
  type ProviderKindView,
} from '@medusa/protocol';
import { z } from 'zod';
import type { AuditTrail } from '../../audit/index.ts';
import type { driverDefinitions } from '../../provision/drivers/index.ts';
import type { Provisioning } from '../../provision/index.ts';
import { route, type RouteDefinition } from '../route.ts';
import { audited } from './audited.ts';

type DriverDefinitions = typeof driverDefinitions;
type ProviderRoutesDeps = {
  readonly provisioning: Provisioning;
  readonly audit: AuditTrail;
  readonly definitions: DriverDefinitions;
};

const byId = z.object({ id: providerIdSchema });
/** A change of a provider plans nothing: who asks for a plan must not get the change instead. */
const noQuery = z.strictObject({});

export function providerRoutes({ provisioning, audit, definitions }: ProviderRoutesDeps): RouteDefinition[] {
  return [
    route({
      method: 'get',
      path: '/api/providers',
      summary: 'Infrastructure providers: health, capabilities, quotas, what there is',
      access: ['admin'],
      response: z.object({ providers: z.array(providerViewSchema) }),
      handle: async () => ({ body: { providers: [...(await provisioning.providers())] } }),
    }),
    route({
      method: 'get',
      path: '/api/providers/kinds',
      summary: 'Kinds of providers, with JSON Schemas of their settings and credentials',
      access: ['admin'],
      response: z.object({ kinds: z.array(providerKindViewSchema) }),
      handle: async () => ({ body: { kinds: await readKinds(definitions) } }),
    }),
    route({
      method: 'put',
      path: '/api/providers/:id',
      summary: 'Create a provider, or replace its settings; credentials left out stay as they are',
      access: ['admin'],
      params: byId,
      query: noQuery,
      body: putProviderSchema,
      response: providerViewSchema,
      handle: async ({ params: { id }, body, caller }) => {
        const { credentials, ...rest } = body;
        const asked = { put: { ...rest, credentials: credentials === undefined ? 'unchanged' : 'replaced' } };
        const change = { audit, caller, action: 'provider.changed', objectId: id, asked } as const;
        return { body: await audited(change, async (by) => provisioning.putProvider(id, body, by)) };
      },
    }),
    route({
      method: 'delete',
      path: '/api/providers/:id',
      summary: 'Forget a provider at which there is nothing of ours',
      access: ['admin'],
      params: byId,
      query: noQuery,
      response: byId,
      handle: async ({ params: { id }, caller }) => {
        const asked = { removed: true };
        const change = { audit, caller, action: 'provider.changed', objectId: id, asked } as const;
        await audited(change, async (by) => provisioning.removeProvider(id, by));
        return { body: { id } };
      },
    }),
    route({
      method: 'post',
      path: '/api/providers/:id/check',
      summary: 'Ask the provider now whether it is there and lets us in',
      access: ['admin'],
      params: byId,
      response: providerViewSchema,
      handle: async ({ params: { id }, signal }) => ({ body: await provisioning.checkProvider(id, signal) }),
    }),
    route({
      method: 'get',
      path: '/api/providers/:id/catalog',
      summary: 'What the provider offers: images, sizes, zones, networks, volume types',
      access: ['admin'],
      params: byId,
      response: providerCatalogSchema,
      handle: async ({ params: { id }, signal }) => ({ body: await provisioning.catalog(id, signal) }),
    }),
  ];
}

/** A driver that cannot be loaded keeps nobody from setting up another; who names its kind is told why it cannot be. */
async function readKinds(definitions: DriverDefinitions): Promise<ProviderKindView[]> {
  const loaded = await Promise.allSettled(Object.values(definitions).map(async (load) => load()));
  return loaded
    .flatMap((driver) => (driver.status === 'fulfilled' ? [driver.value] : []))
    .map(({ kind, title, settingsSchema, credentialsSchema }) => ({
      kind,
      title,
      settings: formSchema(settingsSchema),
      credentials: formSchema(credentialsSchema),
    }));
}

function formSchema(schema: z.ZodType): Record<string, unknown> {
  return { ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) };
}
