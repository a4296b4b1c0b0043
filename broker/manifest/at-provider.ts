import type { DeploymentPlan, DeploymentWish, LeftOut } from '@medusa/protocol';

type AtProvider = {
  readonly plan: DeploymentPlan;
  readonly leftOut: readonly LeftOut[];
  /** In words: what the provider would have to have, and has not. */
  readonly faults: readonly string[];
};

/**
 * A plan as a provider can carry it out. Where machines have no networks or security groups of their own, as processes of a computer or
 * machines of a rack, those are left out and told: the machines stand in the network that is there, behind its firewall. What only a
 * network of one's own can give, and volumes, cannot be left out. No capabilities: it was never reached, and is taken at its word later.
 */
export function planAt(plan: DeploymentPlan, capabilities: readonly string[]): AtProvider {
  const isMissing = (part: string): boolean => capabilities.length > 0 && !capabilities.includes(part);
  const missing = (['networks', 'securityGroups', 'volumes'] as const).filter(isMissing);
  if (missing.length === 0) return { plan, leftOut: [], faults: [] };
  const judged = plan.nodes.flatMap(({ node, wishes }) =>
    wishes.flatMap((wish) => {
      const judgement = judge(wish, missing);
      return judgement ? [{ node, id: wish.id, kind: wish.spec.kind, ...judgement }] : [];
    }),
  );
  const gone = new Set<string>(judged.map(({ id }) => id));
  return {
    plan: without(plan, gone),
    leftOut: judged.flatMap(({ node, id, kind, reason }) =>
      reason === undefined ? [] : [{ node, id, kind, reason }],
    ),
    faults: judged.flatMap(({ id, fault }) => (fault === undefined ? [] : [`${id}: ${fault}`])),
  };
}

type Missing = readonly ('networks' | 'securityGroups' | 'volumes')[];
type Judgement =
  | { readonly reason: string; readonly fault?: undefined }
  | { readonly fault: string; readonly reason?: undefined };

function judge({ spec }: DeploymentWish, missing: Missing): Judgement | undefined {
  switch (spec.kind) {
    case 'security-group':
      return missing.includes('securityGroups')
        ? { reason: 'the provider has no security groups: the firewall that is there holds' }
        : undefined;
    case 'network':
      if (!missing.includes('networks')) return undefined;
      return spec.type === 'flat'
        ? { reason: 'the provider has no networks of its own: the one that is there is used' }
        : { fault: 'the provider has no networks, and this one is to be apart from others' };
    case 'volume':
      return missing.includes('volumes') ? { fault: 'the provider has no volumes' } : undefined;
    case 'machine':
      return undefined;
  }
}

function without(plan: DeploymentPlan, gone: ReadonlySet<string>): DeploymentPlan {
  const stays = (id: string): boolean => !gone.has(id);
  return {
    ...plan,
    nodes: plan.nodes.map((node) => ({
      ...node,
      wishes: node.wishes.flatMap((wish) => (stays(wish.id) ? [withoutNamed(wish, stays)] : [])),
    })),
    release: plan.release.map((leaving) => ({ ...leaving, resources: leaving.resources.filter(stays) })),
  };
}

function withoutNamed(wish: DeploymentWish, stays: (id: string) => boolean): DeploymentWish {
  const { spec } = wish;
  return {
    ...wish,
    spec:
      spec.kind === 'machine'
        ? {
            ...spec,
            networks: spec.networks.filter(stays),
            securityGroups: spec.securityGroups.filter(stays),
          }
        : spec,
    waitsFor: wish.waitsFor.filter(stays),
  };
}
