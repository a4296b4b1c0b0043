import { nodeIdSchema, type NodeState, type ResourcePhase } from '@medusa/protocol';
import type { NodeRegistry } from '../../node/index.ts';
import type { ResourceRecord } from './model.ts';
import type { NodeBoard } from './resource-loop.ts';

/** What a machine's phase says of its node. A node is `ready` by its own word only. */
const stateOf: Partial<Record<ResourcePhase, NodeState>> = {
  planned: 'provisioning',
  creating: 'provisioning',
  quarantined: 'provisioning',
  joining: 'joining',
  draining: 'draining',
  destroying: 'leaving',
  error: 'lost',
};

type Registry = Pick<NodeRegistry, 'expect' | 'setState' | 'processGone' | 'undrain' | 'view'>;

/** The nodes as the pages and the placement know them follow their machines. */
export function showOnRegistry(nodes: Registry): NodeBoard {
  return {
    show({ id, provider, wish, status }, lostReason) {
      const { spec } = wish;
      if (spec.kind !== 'machine' || spec.role === 'plain') return;
      const nodeId = nodeIdSchema.parse(id);
      nodes.expect(nodeId, { kind: spec.role, provider });
      if (lostReason !== null) nodes.processGone(nodeId, lostReason);
      const { phase, reason } = status;
      if (phase === 'absent') {
        nodes.processGone(nodeId, reason);
        nodes.setState(nodeId, 'absent', reason);
        return;
      }
      if (phase === 'ready' || phase === 'degraded') return nodes.undrain(nodeId);
      const state = stateOf[phase];
      // It may have registered while its machine was still being noted.
      const isAhead =
        nodes.view(nodeId)?.state === 'ready' && (state === 'provisioning' || state === 'joining');
      if (state !== undefined && !isAhead) nodes.setState(nodeId, state, reason);
    },
  };
}
