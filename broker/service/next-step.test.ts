import { resourceViewSchema, type ResourcePhase, type ResourceView } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkManifest } from '../manifest/index.ts';
import { twoTier } from '../support/test-services.ts';
import {
  nextToDeploy,
  nextToRelease,
  nextToSuspend,
  stayingOf,
  type NextStep,
  type Views,
} from './next-step.ts';
import { wishesOf, type Part, type ServiceRecord } from './record.ts';

const at = '2026-01-01T00:00:00.000Z';
const part: Part = { askedAt: 0, isOurs: true, readyAt: null, leavingAt: null, isGone: false };
const ids = wishesOf(recordOf({})).map(({ id }) => id as string);
const [network = '', , database = '', , application = ''] = ids;

function recordOf(overrides: Partial<ServiceRecord>): ServiceRecord {
  const { plan } = checkManifest(twoTier, { manifests: new Map(), tenant: 'radiology', name: 'archive' });
  if (!plan) throw new Error('The example cannot be planned');
  const parts = Object.fromEntries(plan.nodes.flatMap(({ wishes }) => wishes.map(({ id }) => [id, part])));
  return {
    ...{
      id: 'archive',
      provider: 'cloud',
      agreement: null,
      readySeconds: 60,
      createdAt: 0,
      createdBy: 'ada',
    },
    ...{ plan, chosen: {}, state: { kind: 'running' }, since: 0, parts, guests: {}, steps: [], waitsFor: '' },
    ...overrides,
  } as ServiceRecord;
}

function viewsOf(phases: Readonly<Record<string, ResourcePhase>>, more: Partial<ResourceView> = {}): Views {
  const views = wishesOf(recordOf({})).flatMap(({ id, spec }) => {
    const phase = phases[id];
    if (phase === undefined) return [];
    const known = spec.kind === 'machine' ? { kind: 'machine', role: 'plain', image: 'i', size: 's' } : spec;
    const isWanted = phase !== 'absent' && phase !== 'destroying';
    const view = resourceViewSchema.parse({
      ...{ id, provider: 'cloud', pool: null, spec: known, phase, reason: '', isWanted, incarnation: 1 },
      ...{
        ref: 'r',
        addresses: [],
        waiting: null,
        liveSessions: 0,
        nextTryAt: null,
        createdAt: at,
        changedAt: at,
      },
    });
    return [[id, { ...view, ...more }] as const];
  });
  return new Map(views);
}
const all = (phase: ResourcePhase): Record<string, ResourcePhase> =>
  Object.fromEntries(ids.map((id) => [id, phase]));
const idsOf = (step: NextStep): readonly string[] => {
  if (step.kind === 'ask') return step.wishes.map(({ id }) => id);
  return step.kind === 'let-go' || step.kind === 'power' ? step.ids : [];
};

const anyPhase = fc.constantFrom<ResourcePhase | undefined>(
  ...([undefined, 'planned', 'creating', 'ready', 'degraded', 'destroying', 'absent'] as const),
);
const world = fc
  .tuple(...ids.map(() => anyPhase))
  .map((phases) =>
    Object.fromEntries(
      ids.flatMap((id, index) => (phases[index] === undefined ? [] : [[id, phases[index]]])),
    ),
  );

describe('what is next', () => {
  it('asks for a thing when it is not there and all that it needs, and all of the nodes before, is ready', () => {
    fc.assert(
      fc.property(world, (phases) => {
        const record = recordOf({ state: { kind: 'working', purpose: 'deploy' } });
        const step = nextToDeploy(record, viewsOf(phases), 0);

        for (const id of idsOf(step)) {
          expect([undefined, 'absent']).toContain(phases[id]);
          const node = record.plan.nodes.findIndex(({ wishes }) => wishes.some((wish) => wish.id === id));
          const before = record.plan.nodes
            .slice(0, node)
            .flatMap(({ wishes }) => wishes.map((wish) => wish.id));
          const needs = wishesOf(record).find((wish) => wish.id === id)?.waitsFor ?? [];
          for (const need of [...before, ...needs]) expect(phases[need]).toBe('ready');
        }
        expect(step.kind === 'done').toBe(ids.every((id) => phases[id] === 'ready'));
      }),
    );
  });

  it('lets a thing go when all that was made after it is gone, and never what is not the service’s', () => {
    fc.assert(
      fc.property(world, fc.subarray(ids), (phases, foreign) => {
        const parts = Object.fromEntries(ids.map((id) => [id, { ...part, isOurs: !foreign.includes(id) }]));
        const record = recordOf({ parts, state: { kind: 'releasing', reason: 'why' } });
        const [going] = idsOf(nextToRelease(record, viewsOf(phases), stayingOf(record, [])));

        if (going === undefined) return;
        expect(foreign).not.toContain(going);
        for (const later of ids.slice(ids.indexOf(going) + 1).filter((id) => !foreign.includes(id)))
          expect([undefined, 'absent']).toContain(phases[later]);
      }),
    );
  });

  it('leaves the tenant’s network when a service that ran is released, and takes it back when nobody else counts on it', () => {
    const asked = recordOf({ state: { kind: 'releasing', reason: null } });
    const failed = recordOf({ state: { kind: 'releasing', reason: 'why' } });

    expect([...stayingOf(asked, [])]).toEqual([network]);
    expect([...stayingOf(failed, [])]).toEqual([]);
    expect([...stayingOf(failed, [network])]).toEqual([network]);
  });

  it('fails for what needs a change, and for what is late; the time before it was asked for does not count', () => {
    const record = recordOf({
      parts: { ...recordOf({}).parts, [application]: { ...part, askedAt: 50_000 } },
    });
    const late = viewsOf({ ...all('ready'), [application]: 'creating' });

    expect(nextToDeploy(record, viewsOf({ ...all('ready'), [database]: 'error' }), 0)).toEqual({
      kind: 'fail',
      reason: 'archive-database is error',
    });
    expect(nextToDeploy(record, late, 110_000)).toEqual({
      kind: 'wait',
      reason: 'archive-application is creating',
    });
    expect(nextToDeploy(record, late, 110_001)).toMatchObject({ kind: 'fail' });
  });

  it('puts the machine that needs another one to sleep first, and waits until the provider says that it sleeps', () => {
    const record = recordOf({});
    expect(nextToSuspend(record, viewsOf(all('ready')), 'suspended')).toEqual({
      kind: 'power',
      ids: [application],
      power: 'suspended',
    });

    const asleep = viewsOf(all('ready'), { power: 'on' });
    const told = new Map([...asleep].map(([id, view]) => [id, switched(view)]));
    expect(nextToSuspend(record, told, 'suspended')).toMatchObject({ kind: 'wait' });
  });
});

function switched(view: ResourceView): ResourceView {
  return view.spec.kind === 'machine' ? { ...view, spec: { ...view.spec, power: 'suspended' } } : view;
}
