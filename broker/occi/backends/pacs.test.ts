import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../support/memory-occi.ts';
import { occiClient } from '../../support/occi-client.ts';
import { startOcciEdge, type OcciEdge } from '../../support/occi-edge.ts';
import { identifierOf, pacsKind } from '../model/index.ts';
import { createOcciServer } from '../server.ts';
import { pacsBackend } from './pacs.ts';

let edge: OcciEdge;
beforeAll(async () => {
  const backends = [pacsBackend({ senders: async () => ['ORTHANC', 'CT 1/2'] })];
  edge = await startOcciEdge({
    open: (root) => createOcciServer({ root, backends, store: createMemoryStore(), mixins: async () => [] }),
    roles: () => ['admin'],
  });
});
afterAll(async () => edge[Symbol.asyncDispose]());

describe.each(['text/plain', 'text/occi', 'application/occi+json', 'application/json'] as const)(
  'archives in %s',
  (type) => {
    it('that sent something are told by their titles, and nothing is done to them', async () => {
      const client = occiClient(edge.base, type);
      const { locations } = (await client.get('pacs/')).payload();
      const titles = await Promise.all(
        locations.map(async (location) =>
          (await client.get(location)).payload().entities[0]?.attributes.get('medusa.pacs.aetitle'),
        ),
      );

      expect(locations).toEqual([
        `${edge.base}pacs/ORTHANC`,
        expect.stringMatching(/\/pacs\/ct-1-2-[0-9a-f]{8}$/),
      ]);
      expect(titles).toEqual(['ORTHANC', 'CT 1/2']);
      const made = await client.entity('POST', 'pacs/', { kind: identifierOf(pacsKind) });
      expect([made.status, (await client.delete('pacs/ORTHANC')).status]).toEqual([405, 405]);
    });
  },
);
