import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestCheckSchema } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applicationsDir, loadCatalogue } from './catalogue.ts';
import { anyManifest } from '../support/any-manifest.ts';
import { checkManifest } from './index.ts';

const { manifests } = await loadCatalogue(applicationsDir);
const options = { manifests, tenant: 'medusa' };
const aeskulap = readFileSync(join(applicationsDir, 'aeskulap.xml'), 'utf8');

describe('checkManifest', () => {
  it('finds nothing in an application of the catalogue, and answers the same for its JSON', () => {
    const ofDocument = checkManifest(aeskulap, options);

    expect(ofDocument).toMatchObject({ problems: [], lint: [], manifest: manifests.get('aeskulap') });
    expect(ofDocument.plan?.nodes.map(({ node }) => node)).toEqual(['store.store', 'store', 'viewer']);
    expect(checkManifest(JSON.parse(JSON.stringify(ofDocument.manifest)), options)).toEqual(ofDocument);
  });

  it('says in which line an action cannot be read and a step would wait for a person', () => {
    const unreadable = checkManifest(aeskulap.replace("viewer.kill('aeskulap')", 'viewer.vanish()'), options);
    const interactive = checkManifest(aeskulap.replace('install -y', 'install'), options);

    expect(unreadable.plan).toBeNull();
    expect(unreadable.problems).toMatchObject([
      {
        severity: 'error',
        line: 11,
        column: 5,
        message: expect.stringMatching(/no action vanish/) as unknown,
      },
    ]);
    expect(interactive.lint).toMatchObject([{ section: 'interaction', line: 28, column: 7 }]);
    expect(interactive.plan).not.toBeNull();
  });

  it('says it in the document too, which reads back with the remarks', () => {
    const { document } = checkManifest(
      aeskulap.replace('<account name="medusa"/>', '').replace("viewer.kill('aeskulap')", 'viewer.vanish()'),
      options,
    );

    const again = checkManifest(document ?? '', options).manifest;
    expect(again?.errors).toEqual([
      {
        code: '/release/actions/1',
        message: 'Line 1, column 1 of the expression: There is no action vanish',
      },
    ]);
    expect(again?.warnings).toEqual([{ code: 'account', message: 'Nobody owns it: an account is missing' }]);
    expect(checkManifest(aeskulap, options).document).toBe(aeskulap);
  });

  it('points at what is wrong in JSON', () => {
    expect(checkManifest({ name: 'a', nodes: [{ name: 'b', scope: 'wide' }] }, options)).toMatchObject({
      manifest: null,
      plan: null,
      problems: [{ severity: 'error', pointer: '/nodes/0/scope', line: null }],
    });
  });

  it('answers whatever it is given, in its own shape', () => {
    const mutated = fc
      .tuple(fc.nat(aeskulap.length - 1), fc.nat(30), fc.string({ maxLength: 8 }))
      .map(([at, length, put]) => aeskulap.slice(0, at) + put + aeskulap.slice(at + length));
    fc.assert(
      fc.property(fc.oneof(mutated, fc.jsonValue(), anyManifest), (body) => {
        expect(manifestCheckSchema.safeParse(checkManifest(body, options)).error).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});
