import { nodeIdSchema, type EntityStatus, type StorageHealth } from '@medusa/protocol';
import { describe, expect, it } from 'vitest';
import { judge, type SeenNode } from './judge.ts';

const now = new Date('2026-03-01T12:00:00Z');
const gib = 2 ** 30;
const well: StorageHealth = {
  ...{
    diskBytes: 1_000 * gib,
    freeBytes: 500 * gib,
    reserveBytes: gib,
    objectStoreUp: true,
    spoolObjects: 0,
  },
  ...{ spoolStuck: 0, copiesDamaged: 0, copiesHealed: 0, ingestSeconds: 0.1 },
};
const entity: EntityStatus = {
  ...{ title: 'PACS', failures: 0, receivedObjects: 0, receivedBytes: 0, bytesToday: 0, refusals: 0 },
  ...{ waiting: { forward: 0, priors: 0, commitment: 0 }, lastFailure: null },
  ...{
    lastRefusal: null,
    lastSeenAt: null,
    certificateEndsAt: null,
    quarantined: 0,
    priorsFetched: 0,
    failed: 0,
  },
  echo: { at: now.toISOString(), isReachable: true, words: 'It answers', ms: 1 },
};
const node: SeenNode = {
  nodeId: nodeIdSchema.parse('storage-1'),
  ...{ state: 'ready', health: well, certificateEndsAt: undefined, entities: [entity], damagedAt: undefined },
};

/** Keys that are on, without the name of the node. */
function on(changes: Partial<SeenNode>): string[] {
  return judge([{ ...node, ...changes }], new Set(['PACS']), now)
    .filter(({ isOn }) => isOn)
    .map(({ key }) => key.replace(' storage-1', ''));
}

function verdict(kind: string, changes: Partial<SeenNode>): boolean | undefined {
  return judge([{ ...node, ...changes }], new Set(['PACS']), now).find((one) => one.kind === kind)?.isOn;
}

describe('what alarms are made of', () => {
  it('is nothing while all is well', () => {
    expect(on({})).toEqual([]);
  });

  it.each([
    [0, false],
    [1, undefined],
    [2, true],
    [9, true],
  ])('an entity that did not answer %i times in a row: %s', (failures, isOn) => {
    expect(verdict('pacs-unreachable', { entities: [{ ...entity, failures }] })).toBe(isOn);
  });

  it('says nothing of entities that nobody watches', () => {
    expect(
      verdict('pacs-unreachable', { entities: [{ ...entity, title: 'OTHER', failures: 5 }] }),
    ).toBeUndefined();
  });

  it.each([
    ['2026-06-01T00:00:00Z', []],
    ['2026-03-30T00:00:00Z', ['certificate PACS 30']],
    ['2026-03-05T00:00:00Z', ['certificate PACS 7']],
    ['2026-03-02T00:00:00Z', ['certificate PACS 1']],
    ['2026-02-28T00:00:00Z', ['certificate PACS 0']],
  ])('a certificate that ends %s: %j', (certificateEndsAt, expected) => {
    expect(on({ entities: [{ ...entity, certificateEndsAt }] })).toEqual(expected);
  });

  it.each([
    [40 * gib, true],
    [55 * gib, undefined],
    [70 * gib, false],
  ])('a disk with %i bytes free: %s', (freeBytes, isOn) => {
    expect(verdict('disk', { health: { ...well, freeBytes } })).toBe(isOn);
  });

  it.each<[string, Partial<StorageHealth>, string[]]>([
    [
      'an object store that is away while objects wait',
      { objectStoreUp: false, spoolObjects: 3 },
      ['object-store'],
    ],
    ['one that nobody has asked yet', { objectStoreUp: false }, []],
    ['none at all', { objectStoreUp: null, spoolObjects: null, spoolStuck: null, copiesDamaged: null }, []],
    ['objects that it never takes', { spoolStuck: 1 }, ['spool']],
    ['damage that could not be undone', { copiesDamaged: 2, copiesHealed: 1 }, ['scrub']],
    ['a long wait', { ingestSeconds: 12 }, ['ingest-lag']],
    ['neither long nor short', { ingestSeconds: 7 }, []],
  ])('%s', (_name, health, expected) => {
    expect(on({ health: { ...well, ...health } })).toEqual(expected);
  });

  it('damage that was undone is told for a day', () => {
    const health = { ...well, copiesDamaged: 2, copiesHealed: 2 };
    expect(on({ health, damagedAt: new Date('2026-03-01T00:00:00Z') })).toEqual(['scrub']);
    expect(on({ health, damagedAt: new Date('2026-02-27T00:00:00Z') })).toEqual([]);
  });

  it('a node that is lost, and of which nothing else is known', () => {
    expect(on({ state: 'lost', health: undefined, entities: undefined })).toEqual(['storage-lost']);
  });
});
