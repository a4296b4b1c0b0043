import type { Page } from '@playwright/test';
import { nodeViewSchema, sessionViewSchema, type NodeId } from '@medusa/protocol';
import { z } from 'zod';
import type { Medusa } from './medusa.ts';
import { descendantsOf, environmentOf, listProcesses } from './processes.ts';
import { waitFor } from './wait.ts';

const nodesSchema = z.object({ nodes: z.array(nodeViewSchema) });
const sessionsSchema = z.object({ sessions: z.array(sessionViewSchema) });

export async function untilNodesReady(medusa: Medusa, count: number): Promise<void> {
  const token = await medusa.tokenOf('admin');
  await waitFor(
    `${count} render nodes`,
    async () => {
      const { nodes } = nodesSchema.parse(await medusa.getJson('/api/nodes', token));
      const ready = nodes.filter(({ kind, state }) => kind === 'render' && state === 'ready');
      return ready.length >= count ? true : undefined;
    },
    120_000,
  );
}

/** Where the one live session runs. */
export async function nodeOf(medusa: Medusa): Promise<NodeId> {
  const token = await medusa.tokenOf('admin');
  const { sessions } = sessionsSchema.parse(await medusa.getJson('/api/sessions', token));
  const nodeId = sessions.find(({ state }) => state === 'streaming')?.nodeId;
  if (!nodeId) throw new Error('No session streams');
  return nodeId;
}

/** The agent and all that it started, in one moment, as when the machine loses its power. Answers when, ms since the epoch. */
export function killNode(medusa: Medusa, nodeId: NodeId): number {
  const agent = listProcesses().find(
    ({ pid, command }) =>
      command.includes('renderer/main.ts') &&
      !command.startsWith('setpriv') &&
      environmentOf(pid, 'MEDUSA_NODE_ID') === nodeId &&
      environmentOf(pid, 'MEDUSA_NODE_DIR')?.startsWith(medusa.dataDir) === true,
  );
  if (!agent) throw new Error(`There is no agent of ${nodeId}`);
  const all = [agent, ...descendantsOf(agent.pid)];
  const killedAt = Date.now();
  for (const { pid } of all) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Its parent took it along.
    }
  }
  return killedAt;
}

/** Resolves with the moment, ms since the epoch, in which the page shows its first picture of another node. */
export async function watchRecovery(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { medusaViewer } = globalThis as unknown as { medusaViewer?: { pictureState: string } };
    let hasMoved = false;
    return new Promise<number>((resolve) => {
      const look = (): void => {
        const state = medusaViewer?.pictureState;
        hasMoved ||= state === 'moving';
        if (hasMoved && state === 'live') resolve(Date.now());
        else setTimeout(look, 10);
      };
      look();
    });
  });
}
