import { putEntitySchema } from '@medusa/protocol';
import { expect, it } from 'vitest';
import { draftOf, inputOf, newDraft } from './entity-draft.ts';

it('sends what was typed, and shows what was sent', () => {
  const draft = {
    ...newDraft('PACS'),
    ...{ host: ' pacs.example ', port: '11112', fingerprints: `${'ab:'.repeat(31)}ab\n`, quota: '2.5' },
    ...{ may: ['store', 'query'], hasPriors: true, modalities: 'ct, mr', most: '3', by: 'get' as const },
  };
  const wish = putEntitySchema.parse(inputOf(draft));

  expect(wish).toMatchObject({
    ...{ host: 'pacs.example', port: 11_112, tls: 'required', mostGiBPerDay: 2.5, may: ['store', 'query'] },
    fingerprints: ['AB'.repeat(32)],
    priors: { most: 3, modalities: ['CT', 'MR'], by: 'get' },
  });
  expect(putEntitySchema.parse(inputOf(draftOf({ title: 'PACS', wish })))).toEqual(wish);
});

it('has no port without a host, and no fingerprints without TLS', () => {
  expect(inputOf({ ...newDraft('CT'), isTls: false, fingerprints: 'ab' })).toMatchObject({
    ...{ host: null, port: null, tls: 'off', fingerprints: [], priors: null, mostGiBPerDay: null },
  });
});
