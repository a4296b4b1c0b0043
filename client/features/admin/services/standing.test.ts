import { serviceIdSchema, serviceViewSchema, type ServiceView } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import {
  actionOf,
  actsOf,
  freeId,
  hasParts,
  planOf,
  progressOf,
  reasonText,
  shownState,
} from './standing.ts';

type Part = ServiceView['nodes'][number]['resources'][number];

function part(id: string, kind: Part['kind'], phase: Part['phase']): unknown {
  return { id, kind, phase, isShared: id === 'net', reason: '', addresses: [] };
}

function service(state: unknown, reason = ''): ServiceView {
  const at = '2026-03-02T12:00:00Z';
  return serviceViewSchema.parse({
    ...{ id: 'archive', manifest: 'two-tier', provider: 'cloud', agreement: null, state, reason },
    ...{ createdAt: at, createdBy: 'Ada', since: at, steps: [] },
    nodes: [
      {
        ...{ node: 'database', manifest: 'two-tier', isShared: false },
        resources: [
          part('net', 'network', 'ready'),
          part('archive-data', 'volume', 'held'),
          part('archive-database', 'machine', 'ready'),
        ],
      },
      {
        ...{ node: 'application', manifest: 'two-tier', isShared: false },
        resources: [
          part('archive-application', 'machine', 'joining'),
          part('archive-spare', 'machine', null),
        ],
      },
    ],
  });
}

describe('a service as it is shown', () => {
  it('says what work is for, and when a failure is taken back', () => {
    expect(shownState({ kind: 'working', purpose: 'suspend', power: 'off' })).toBe('suspend');
    expect(shownState({ kind: 'releasing', reason: null })).toBe('releasing');
    expect(shownState({ kind: 'releasing', reason: 'no room' })).toBe('taken-back');
    expect(shownState({ kind: 'running' })).toBe('running');
  });

  it('says why it is as it is, in words that fit the state', () => {
    const because = 'archive-database is error: no room';

    expect(reasonText(service({ kind: 'running' }))).toBe('');
    expect(reasonText(service({ kind: 'working', purpose: 'deploy' }, because))).toMatch(
      /^Waits for: archive/,
    );
    expect(reasonText(service({ kind: 'releasing', reason: because }, because))).toMatch(/taken back/);
    expect(reasonText(service({ kind: 'releasing', reason: null }, 'x goes'))).toBe('Waits for: x goes');
    expect(reasonText(service({ kind: 'degraded', reason: because }, because))).toMatch(/^Not well/);
    expect(reasonText(service({ kind: 'error', reason: because }, because))).toMatch(/could not be deployed/);
  });

  it('counts what is ready while it is deployed, and what of its own is gone while it is released', () => {
    expect(progressOf(service({ kind: 'working', purpose: 'deploy' }))).toMatchObject({ done: 2, all: 5 });
    // One waits on the hold list; one was never asked for; the network is not its own.
    expect(progressOf(service({ kind: 'releasing', reason: null }))).toMatchObject({ done: 1, all: 3 });
    expect(progressOf(service({ kind: 'releasing', reason: 'no room' }))).toMatchObject({ done: 1, all: 4 });
    expect(progressOf(service({ kind: 'running' }))).toBeNull();
  });
});

describe('the parts of a service', () => {
  it('are shown until nothing of its own is left', () => {
    const gone = service({ kind: 'error', reason: 'no room' });
    const own = gone.nodes.map((node) => ({
      ...node,
      resources: node.resources.map((one) => (one.isShared ? one : { ...one, phase: 'absent' as const })),
    }));

    expect(hasParts(service({ kind: 'running' }))).toBe(true);
    // A volume waits on the hold list.
    expect(hasParts(gone)).toBe(true);
    expect(hasParts({ ...gone, nodes: own })).toBe(false);
  });
});

describe('what may be asked of a service', () => {
  it('is resumed when it sleeps, and restarted when it is not well, by the same action', () => {
    expect(actsOf({ kind: 'suspended' })).toEqual(['resume', 'release']);
    expect(actsOf({ kind: 'degraded', reason: '' })).toContain('restart');
    expect(actsOf({ kind: 'releasing', reason: null })).toEqual([]);
    expect([actionOf('resume'), actionOf('restart')]).toEqual(['restart', 'restart']);
  });

  it('shows what goes, in reverse, without what is shared or not there', () => {
    const plan = planOf('release', service({ kind: 'running' }));

    expect(plan?.steps.map(({ action, name }) => `${action} ${name}`)).toEqual([
      'destroy archive-application',
      'destroy archive-database',
      'destroy archive-data',
    ]);
  });

  it('shows which machines sleep, and which are started again in the order of the plan', () => {
    const namesOf = (act: 'suspend' | 'resume'): readonly string[] | undefined =>
      planOf(act, service({ kind: 'running' }))?.steps.map(({ name }) => name);

    expect(namesOf('suspend')).toEqual(['archive-application', 'archive-database']);
    expect(namesOf('resume')).toEqual(['archive-database', 'archive-application']);
    expect(planOf('restart', service({ kind: 'degraded', reason: 'x' }))).toBeUndefined();
  });
});

describe('a name for a service', () => {
  it.each([
    ['near-data', [], 'near-data'],
    ['near-data', ['near-data', 'near-data-2'], 'near-data-3'],
    ['My Application (CT)', [], 'my-application-ct'],
    ['a-manifest-with-a-very-long-name', [], 'a-manifest-with-a-very-l'],
    ['a-manifest-with-a-very-long-name', ['a-manifest-with-a-very-l'], 'a-manifest-with-a-very-2'],
    ['!', [], 'service'],
  ])('of %j beside %j is %j', (manifest, taken, id) => {
    expect(freeId(manifest, taken)).toBe(id);
    expect(serviceIdSchema.safeParse(id).success).toBe(true);
  });
});
