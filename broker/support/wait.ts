import { setTimeout as delay } from 'node:timers/promises';

/** Polls until `read` answers something, or throws when the time is up. */
export async function waitFor<Value>(
  what: string,
  read: () => Value | undefined | Promise<Value | undefined>,
  limitMs = 15_000,
): Promise<Value> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await delay(20);
  }
}
