import { isDeepStrictEqual } from 'node:util';
import { poolIdSchema, providerIdSchema, putPoolSchema, putProviderSchema } from '@medusa/protocol';
import { z } from 'zod';
import type { Seal } from '../credentials/index.ts';
import type { Provisioning } from '../provisioning.ts';
import type { ProvisionStore } from './store.ts';

/**
 * Providers and pools that an operator sets up by a file (`MEDUSA_PROVIDERS`) instead of by hand. Applied at each start of a broker:
 * what is in the file is as the file says, what is not in it stays as it is.
 *
 * ```json
 * { "providers": { "cloud": { "kind": "openstack", "title": "Our cloud", "settings": {…}, "credentials": {…} } },
 *   "pools": { "cloud-render": { "providers": ["cloud"], "machine": {…}, "policy": { "min": 1, "max": 4 } } } }
 * ```
 */
export const declaredSchema = z.strictObject({
  providers: z.record(providerIdSchema, putProviderSchema).default({}),
  pools: z.record(poolIdSchema, putPoolSchema).default({}),
});
export type Declared = z.infer<typeof declaredSchema>;

const by = { actor: 'configuration' };

/** Writes only what differs: a start is not a change. */
export async function applyDeclared(
  { providers, pools }: Declared,
  {
    provisioning,
    store,
    seal,
  }: { readonly provisioning: Provisioning; readonly store: ProvisionStore; readonly seal: Seal },
): Promise<void> {
  for (const [key, wanted] of Object.entries(providers)) {
    const id = providerIdSchema.parse(key);
    const known = await store.provider(id);
    const { kind, title, settings, isEnabled, credentials } = wanted;
    const isSame =
      known !== undefined &&
      isDeepStrictEqual(
        { kind: known.kind, title: known.title, settings: known.settings, isEnabled: known.isEnabled },
        { kind, title, settings, isEnabled },
      ) &&
      (credentials === undefined || isDeepStrictEqual(opened(seal, id, known.credentials), credentials));
    if (!isSame) await provisioning.putProvider(id, wanted, by);
  }
  for (const [key, wanted] of Object.entries(pools)) {
    const id = poolIdSchema.parse(key);
    const known = await store.pool(id);
    if (!known?.isWanted || !isDeepStrictEqual(known.wanted, wanted))
      await provisioning.putPool(id, wanted, by);
  }
}

function opened(seal: Seal, id: string, sealed: string | null): unknown {
  try {
    return sealed === null ? undefined : seal.open(id, sealed);
  } catch {
    // Sealed with a key that is gone: written anew.
    return undefined;
  }
}
