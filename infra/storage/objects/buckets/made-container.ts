import { unreachable } from './http-client.ts';

export const noContainer = 'no container';

/** Sends, and where bucket or container is not there yet, makes it and sends again. */
export async function inMadeContainer<Value>(
  send: () => Promise<Value | typeof noContainer>,
  make: () => Promise<void>,
): Promise<Value> {
  const first = await send();
  if (first !== noContainer) return first;
  await make();
  const second = await send();
  if (second !== noContainer) return second;
  throw unreachable('The object store has no container of that name');
}
