import { environmentOf, descendantsOf, listProcesses } from './processes.ts';
import type { Medusa } from './medusa.ts';
import { waitFor } from './wait.ts';

/** Waits until the render node runs nothing but itself and its media worker; throws with what is left. */
export async function expectNoSessionLeftovers(medusa: Medusa): Promise<void> {
  const agent = medusa.findProcess('renderer/main.ts');
  if (!agent) throw new Error('The render node itself is gone');
  const left = (): string[] => [
    ...descendantsOf(agent.pid)
      .filter(({ command }) => !command.includes('mediasoup-worker'))
      .map(({ command }) => command.slice(0, 120)),
    // Whoever was set free from its parent still carries the node's folder in its environment.
    ...listProcesses()
      .filter(
        ({ pid, command }) =>
          pid !== agent.pid &&
          /Xvfb|chromium|aeskulap|amide|bwrap/.test(command) &&
          environmentOf(pid, 'MEDUSA_NODE_DIR')?.startsWith(medusa.dataDir) === true,
      )
      .map(({ command }) => command.slice(0, 120)),
  ];
  let seen: string[] = [];
  await waitFor('the render node to be empty again', () => {
    seen = left();
    return seen.length === 0 ? true : undefined;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; left: ${seen.join(' | ')}`, { cause: error });
  });
}
