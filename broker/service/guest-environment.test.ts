import {
  resourceViewSchema,
  type DeploymentInstruction,
  type DeploymentPlan,
  type ResourceView,
} from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkManifest } from '../manifest/index.ts';
import { environmentFile } from '../provision/guest/guest-start.ts';
import { twoTier } from '../support/test-services.ts';
import { guestOrders, type GuestOrders } from './guest-environment.ts';

const { plan, application } = example();

function example(): { plan: DeploymentPlan; application: DeploymentPlan['nodes'][number] } {
  const check = checkManifest(twoTier, { manifests: new Map(), tenant: 'radiology', name: 'archive' });
  const node = check.plan?.nodes.find((candidate) => candidate.node === 'application');
  if (!check.plan || !node) throw new Error('The example has no application');
  return { plan: check.plan, application: node };
}

type Given = DeploymentInstruction['arguments'];
const instruction = (verb: string, given: Given): DeploymentInstruction => ({
  ...{ id: 'i', node: 'application', section: 'configuration', verb, waitsFor: [] },
  arguments: given,
});
const property = (node: string, name: string): Given => [{ kind: 'property', node, property: name }];
const text = (...all: readonly string[]): Given => all.map((one) => ({ kind: 'text', text: one }));

const at = '2026-01-01T00:00:00.000Z';
const databaseView = resourceViewSchema.parse({
  ...{ id: 'archive-database', provider: 'cloud', pool: null, phase: 'ready', reason: '', isWanted: true },
  spec: { kind: 'machine', role: 'plain', image: 'debian', size: 'small' },
  ...{ incarnation: 1, ref: 'vm-7', addresses: ['10.0.0.7', 'fd00::7'], waiting: null, liveSessions: 0 },
  ...{ nextTryAt: null, createdAt: at, changedAt: at },
});

function ordersOf(
  instructions: readonly DeploymentInstruction[],
  view: ResourceView = databaseView,
): GuestOrders {
  const node = { ...application, instructions: [...instructions] };
  return guestOrders(node, plan, new Map([[view.id, view]]));
}

describe('guestOrders', () => {
  it.each([
    ['hostname', { SERVICE_DATABASE_HOSTNAME: '10.0.0.7' }],
    ['contract', { SERVICE_DATABASE_CONTRACT: 'archive-database' }],
    ['reference', { SERVICE_DATABASE_REFERENCE: 'vm-7' }],
  ])('tells the %s of another node', (name, environment) => {
    expect(ordersOf([instruction('configure', property('database', name))])).toEqual({
      environment,
      told: [`configuration: configure(database.${name}): ${Object.keys(environment).join('')}`],
      refused: [],
    });
  });

  it('tells what an attribute is set to', () => {
    const limit = instruction('assign', [...text('session-limit'), { kind: 'number', number: 3 }]);

    expect(ordersOf([limit]).environment).toEqual({ SERVICE_SESSION_LIMIT: '3' });
  });

  it.each([
    [
      'a password',
      instruction('configure', property('database', 'rootpass')),
      'passwords are not handed out',
    ],
    [
      'access to studies',
      instruction('configure', property('database', 'files')),
      'sessions are given access, to one study each',
    ],
    ['what is no node’s', instruction('configure', property('', 'sla.frame')), "sla.frame is no node's"],
    ['a command', instruction('system', text('reboot')), 'no program in the guest takes commands'],
    ['a snapshot', instruction('snapshot', []), 'snapshots are taken of volumes, by an administrator'],
    ['what nothing does', instruction('scaleup', []), 'nothing here does that'],
    ['a value of two lines', instruction('assign', text('motd', 'a\nb')), 'its value has control characters'],
    [
      'an attribute of a property',
      instruction('assign', [...text('a'), ...property('database', 'hostname')]),
      'its value is not known here',
    ],
  ])('says why it does not carry out %s', (_, given, why) => {
    const { environment, told, refused } = ordersOf([given]);

    expect([environment, told, refused]).toEqual([
      {},
      [],
      [expect.stringMatching(`is not carried out: ${why}$`)],
    ]);
  });

  it('tells no address that is not known, and no second value under one name', () => {
    const hostname = instruction('configure', property('database', 'hostname'));
    expect(ordersOf([hostname], { ...databaseView, addresses: [] }).refused).toEqual([
      'configuration: configure(database.hostname) is not carried out: database has no address',
    ]);

    const twice = ['3', '4'].map((value) => instruction('assign', text('limit', value)));
    expect(ordersOf(twice)).toMatchObject({
      environment: { SERVICE_LIMIT: '3' },
      refused: [expect.stringMatching('SERVICE_LIMIT has another value already$')],
    });
  });

  it('sets only names that a unit can read, each on one line, whatever the manifest says', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'binary-ascii' }), (attribute, value) => {
        const { environment } = ordersOf([instruction('assign', text(attribute, value))]);

        for (const line of environmentFile(environment).split('\n').slice(0, -1))
          expect(line).toMatch(/^SERVICE_[A-Z0-9_]*="[^\n]*"$/);
      }),
    );
  });
});
