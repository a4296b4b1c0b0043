import { promisify } from 'node:util';
import x11 from 'x11';
import type { DisplayAddress } from './x-connection.ts';
import { XConnection } from './x-connection.ts';

/** Smaller ones are splash screens' ornaments and helpers of toolkits. */
const leastPx = { width: 200, height: 150 };
const viewable = 2;

/** Resolves when a client of the display shows a window of its own. */
export async function untilWindowShown(
  address: DisplayAddress,
  signal: AbortSignal,
  report: (error: unknown) => void,
): Promise<void> {
  // A window may vanish between its event and our question about it.
  await using connection = await XConnection.open(address, { report: () => undefined });
  const { client, root } = connection;
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const aborted = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', aborted, { once: true });
  if (signal.aborted) aborted();
  const look = async (): Promise<void> => {
    const { children } = await promisify(client.QueryTree.bind(client))(root);
    for (const window of children) if (await isShown(connection, window)) resolve(undefined);
  };
  const onEvent = (): void => void look().catch(report);
  client.on('event', onEvent);
  client.ChangeWindowAttributes(root, { eventMask: x11.eventMask['SubstructureNotify'] ?? 0 });
  try {
    await look();
    await promise;
  } finally {
    client.off('event', onEvent);
    signal.removeEventListener('abort', aborted);
  }
}

async function isShown({ client }: XConnection, window: number): Promise<boolean> {
  try {
    const { mapState } = await promisify(client.GetWindowAttributes.bind(client))(window);
    if (mapState !== viewable) return false;
    const { width, height } = await promisify(client.GetGeometry.bind(client))(window);
    return width >= leastPx.width && height >= leastPx.height;
  } catch {
    return false;
  }
}
