import { nodeIdSchema, type NodeId, type NodeState, type ResourcePhase } from '@medusa/protocol';
import type { NodeRegistry } from '../../node/index.ts';
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
  absent: 'absent',
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
      const { phase, reason } = status;
      if (lostReason !== null || phase === 'absent') nodes.processGone(nodeId, lostReason ?? reason);
      if (phase === 'ready' || phase === 'degraded') nodes.undrain(nodeId);
      const state = stateOf[phase];
      if (state !== undefined && !isAhead(nodes, nodeId, state)) nodes.setState(nodeId, state, reason);
    },
  };
}

/** It may have registered while its machine was still being noted. */
function isAhead(nodes: Registry, nodeId: NodeId, state: NodeState): boolean {
  return nodes.view(nodeId)?.state === 'ready' && (state === 'provisioning' || state === 'joining');
}
