import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deploymentPlanSchema, type DeploymentPlan } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { planAt } from './at-provider.ts';
import { checkManifest } from './check.ts';

const twoTier = readFileSync(join(import.meta.dirname, 'cords/examples/two-tier.xml'), 'utf8');

function planOf(document: string): DeploymentPlan {
  const { plan, problems } = checkManifest(document, { manifests: new Map(), tenant: 'radiology' });
  if (!plan) throw new Error(JSON.stringify(problems));
  return plan;
}

const kindsIn = ({ nodes }: DeploymentPlan): string[] =>
  nodes.flatMap(({ wishes }) => wishes.map(({ spec }) => spec.kind));

describe('a plan at a provider', () => {
  const plan = planOf(twoTier);

  it('that has everything, or was never reached, is as it was', () => {
    const everything = ['machines', 'networks', 'securityGroups', 'volumes'];

    expect(planAt(plan, everything)).toEqual({ plan, leftOut: [], faults: [] });
    expect(planAt(plan, [])).toEqual({ plan, leftOut: [], faults: [] });
  });

  it('that has machines alone, does without networks and security groups, and tells each', () => {
    const there = planAt(plan, ['machines', 'machines.console']);

    expect(deploymentPlanSchema.parse(there.plan)).toEqual(there.plan);
    expect(new Set(kindsIn(there.plan))).toEqual(new Set(['machine']));
    expect(JSON.stringify(there.plan)).not.toMatch(/-sg"|ethernet/);
    expect(there.leftOut.map(({ id, kind }) => [id, kind])).toEqual(
      plan.nodes.flatMap(({ wishes }) =>
        wishes.flatMap(({ id, spec }) => (spec.kind === 'machine' ? [] : [[id, spec.kind]])),
      ),
    );
    expect(there.leftOut.map(({ reason }) => reason)).toContain(
      'the provider has no security groups: the firewall that is there holds',
    );
    expect(there.faults).toEqual([]);
  });

  it('cannot do without volumes, nor without a network that is apart', () => {
    const stored = planOf(
      '<manifest name="m"><node name="a"><infrastructure name="a"><storage size="1G"><volume name="data" size="1G"/></storage><network label="lan" vlan="7"/></infrastructure></node></manifest>',
    );

    expect(planAt(stored, ['machines']).faults).toEqual([
      'radiology-lan: the provider has no networks, and this one is to be apart from others',
      'm-a-data: the provider has no volumes',
    ]);
  });
});
