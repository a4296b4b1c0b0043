import { AppError, manifestCheckSchema, manifestSchema, providerIdSchema } from '@medusa/protocol';
import type { Request } from 'express';
import { z } from 'zod';
import { checkManifest, renderCords, type Catalogue } from '../../manifest/index.ts';
import type { Provisioning } from '../../provision/index.ts';
import { route, streamRoute, type RouteDefinition } from '../route.ts';

type ManifestRoutesDeps = {
  readonly catalogue: Catalogue;
  readonly provisioning: Pick<Provisioning, 'catalog'>;
};

/** Owner of what a plan names while nobody has asked for it. */
const tenant = 'medusa';

/** What can be deployed, and what would happen if something were. Nothing is changed here. */
export function manifestRoutes({
  catalogue: { manifests },
  provisioning,
}: ManifestRoutesDeps): RouteDefinition[] {
  return [
    route({
      method: 'post',
      path: '/api/manifests/check',
      summary:
        'A manifest, as a CORDS document (application/xml) or as JSON: what is wrong with it and where, what is missing, how it would be deployed and, when a provider is named, as which of its images and sizes',
      access: ['admin'],
      query: z.strictObject({ provider: providerIdSchema.optional() }),
      body: z.union([z.string().min(1), manifestBodySchema]),
      response: manifestCheckSchema,
      handle: async ({ body, query: { provider }, signal }) => {
        const catalog = provider === undefined ? undefined : await provisioning.catalog(provider, signal);
        return { body: checkManifest(body, { manifests, tenant, catalog }) };
      },
    }),
    route({
      method: 'get',
      path: '/api/manifests',
      summary: 'The manifests that come with Medusa',
      access: ['admin'],
      response: z.object({ manifests: z.array(manifestSchema) }),
      handle: async () => ({ body: { manifests: [...manifests.values()] } }),
    }),
    streamRoute({
      method: 'get',
      path: '/api/manifests/:id',
      summary: 'One of them by its name, as application/json or, when that is preferred, as application/xml',
      access: ['admin'],
      stream: async ({ req, res }) => {
        const manifest = manifests.get(String(req.params['id']));
        if (!manifest) throw new AppError('manifest.unknown', 'There is no such manifest');
        res.set('cache-control', 'no-store').vary('accept');
        if (isXmlPreferred(req)) res.type('application/xml').send(renderCords(manifest));
        else res.json(manifest);
      },
    }),
  ];
}

/** What is wrong inside is the answer's matter, not a refusal. */
const manifestBodySchema = z.record(z.string(), z.unknown());

function isXmlPreferred(req: Request): boolean {
  return req.accepts(['application/json', 'application/xml']) === 'application/xml';
}
