import { z } from 'zod';
import { isProviderFault, ProviderError, type KeyPort } from '../../port/index.ts';
import type { Cloud } from './cloud.ts';

const keySchema = z.object({ keypair: z.object({ public_key: z.string() }) });

/** Key pairs of Nova: they belong to the user, not to the project. */
export function novaKeys(cloud: Cloud): KeyPort {
  const compute = cloud.service('compute');
  const pathOf = (name: string): string => `/os-keypairs/${encodeURIComponent(name)}`;

  const isHeld = async (name: string, publicKey: string, signal: AbortSignal): Promise<boolean> => {
    const found = await compute.find(pathOf(name), keySchema, signal);
    if (!found) return false;
    if (materialOf(found.keypair.public_key) === materialOf(publicKey)) return true;
    throw new ProviderError('conflict', `Another key is called ${name}`);
  };

  return {
    async import(name, publicKey, { signal }) {
      if (await isHeld(name, publicKey, signal)) return;
      try {
        const body = { keypair: { name, public_key: publicKey } };
        await compute.tell({ method: 'POST', path: '/os-keypairs', body, signal });
      } catch (error) {
        // Someone was faster.
        if (!isProviderFault(error, 'conflict') || !(await isHeld(name, publicKey, signal))) throw error;
      }
    },
    remove: async (name, { signal }) => compute.remove(pathOf(name), signal),
  };
}

/** RFC 4253 §6.6: type and key; the comment after them is no part of it. */
const materialOf = (publicKey: string): string => publicKey.trim().split(/\s+/).slice(0, 2).join(' ');
