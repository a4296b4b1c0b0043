import { ProviderError, type KeyPort } from '../../port/index.ts';
import { keyCollection } from './machine-body.ts';
import type { Context } from './resources.ts';

/** Type and key, without the comment. */
const essence = (publicKey: string): string => publicKey.trim().split(/\s+/).slice(0, 2).join(' ');

export function keyPort(context: Context): KeyPort {
  const keys = keyCollection(context);
  return {
    async import(name, publicKey, { signal }) {
      const there = await keys.get(name, signal);
      if (there && essence(there.properties.publicKey ?? '') === essence(publicKey)) return;
      if (there) throw new ProviderError('conflict', `Another key is named ${name}`);
      await keys.put(name, { location: context.settings.location, properties: { publicKey } }, signal);
    },
    async remove(name, { signal }) {
      await keys.delete(name, signal);
    },
  };
}
