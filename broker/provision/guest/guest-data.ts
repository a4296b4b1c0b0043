import type { GuestStart } from '../port/index.ts';
import { toldGuest } from './guest-start.ts';

/** User data that users gave their machines. Machines name it by its key, so that none is given another one's. */
export interface GuestData {
  /** Answers the key. What no machine that is wanted names goes after an hour. */
  put(userData: string): Promise<string>;
  find(key: string): Promise<string | undefined>;
  remove(key: string): Promise<void>;
}

/** How a plain machine starts: with what its user gave it, or with what its service tells it. */
export async function plainStart(
  data: Pick<GuestData, 'find'>,
  key: string | undefined,
  told: Readonly<Record<string, string>>,
): Promise<GuestStart> {
  const userData = key === undefined ? undefined : await data.find(key);
  return userData === undefined ? toldGuest(told) : { environment: told, userData };
}
