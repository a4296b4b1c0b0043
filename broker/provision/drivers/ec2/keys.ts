import { isProviderFault, ProviderError, type KeyPort } from '../../port/index.ts';
import { unlessNotFound } from './client.ts';
import type { Context } from './context.ts';

/** Type and key: what comes after is a comment, and EC2 puts its own there. */
const essence = (publicKey: string): string => publicKey.trim().split(/\s+/).slice(0, 2).join(' ');

export function keyPort({ ec2 }: Context): KeyPort {
  return {
    async import(name, publicKey, { signal }) {
      const request = { KeyName: name, PublicKeyMaterial: Buffer.from(publicKey, 'utf8') };
      try {
        await ec2.change(async (api, options) => api.importKeyPair(request, options), signal);
      } catch (error) {
        if (!isProviderFault(error, 'conflict')) throw error;
        const { KeyPairs } = await ec2.read(
          async (api, options) => api.describeKeyPairs({ KeyNames: [name], IncludePublicKey: true }, options),
          signal,
        );
        if (essence(KeyPairs?.[0]?.PublicKey ?? '') !== essence(publicKey))
          throw new ProviderError('conflict', `Another key is named ${name}`, { cause: error });
      }
    },
    async remove(name, { signal }) {
      await unlessNotFound(
        ec2.change(async (api, options) => api.deleteKeyPair({ KeyName: name }, options), signal),
      );
    },
  };
}
