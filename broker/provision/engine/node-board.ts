import { nodeIdSchema, type ResourcePhase } from '@medusa/protocol';
import type { NodeEvent, NodeRegistry } from '../../node/index.ts';
import type { NodeBoard } from './resource-loop.ts';

/** What a machine's phase says of its node. A node is `ready` by its own word only. */
const eventOf: Partial<Record<ResourcePhase, NodeEvent>> = {
  planned: 'provision',
  creating: 'provision',
  quarantined: 'provision',
  joining: 'boot',
  draining: 'drain',
  destroying: 'leave',
  error: 'give-up',
  absent: 'vanish',
};

type Registry = Pick<NodeRegistry, 'expect' | 'apply' | 'processGone' | 'undrain'>;

/** The nodes as the pages and the placement know them follow their machines. */
export function showOnRegistry(nodes: Registry): NodeBoard {
  return {
    show({ id, provider, wish, status }, lostReason) {
      const { spec } = wish;
      if (spec.kind !== 'machine' || spec.role === 'plain') return;
      const nodeId = nodeIdSchema.parse(id);
      nodes.expect(nodeId, { kind: spec.role, provider });
      const { phase, reason } = status;
      if (lostReason !== null || phase === 'absent') nodes.processGone(nodeId, lostReason ?? reason);
      if (phase === 'ready' || phase === 'degraded') nodes.undrain(nodeId);
      const event = eventOf[phase];
      if (event !== undefined) nodes.apply(nodeId, event, reason);
    },
  };
}
