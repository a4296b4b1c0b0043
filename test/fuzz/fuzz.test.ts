import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStorageNode, type StorageNode } from '../support/storage-node.ts';
import { askers, fuzzIdentifiers } from './fuzz-identifiers.ts';
import { fuzzObjects } from './fuzz-objects.ts';
import { fuzzedEnvironment, fuzzPdus } from './fuzz-pdus.ts';

/** The same as `npm run fuzz`, for seconds instead of minutes. */
const seed = 20_261;

describe('the storage node', () => {
  let node: StorageNode;
  beforeAll(async () => {
    node = await startStorageNode({
      isInMemory: true,
      entities: askers,
      environment: fuzzedEnvironment,
    });
  });
  afterAll(async () => node[Symbol.asyncDispose]());

  it('answers mutated PDUs as PS3.8 says, and keeps nothing of them', async () => {
    const report = await fuzzPdus(node, { seed, count: 5_000 });

    expect(report.failures).toEqual([]);
    expect(report.leak).toBeUndefined();
    expect(report.mutatedPdus).toBeGreaterThanOrEqual(5_000);
  });

  it('stores mutated objects byte for byte, or refuses them with the right status', async () => {
    const report = await fuzzObjects(node, { seed, count: 200 });

    expect(report.failures).toEqual([]);
    expect(report.leak).toBeUndefined();
    expect(report.objects).toBeGreaterThanOrEqual(200);
  });

  it('answers strange and broken identifiers, each by a status of its own', async () => {
    const report = await fuzzIdentifiers(node, { seed, count: 400 });

    expect(report.failures).toEqual([]);
    expect(report.leak).toBeUndefined();
  });
});
