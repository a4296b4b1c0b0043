import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { anyManifest } from '../../support/any-manifest.ts';
import { parseCords, renderCords } from './index.ts';

const examplesDir = join(import.meta.dirname, 'examples');
const exampleNames = readdirSync(examplesDir);
const example = (name: string): string => readFileSync(join(examplesDir, name), 'utf8');
const schema = readFileSync(join(import.meta.dirname, 'manifest.xsd'), 'utf8');

function manifestOf(document: string): Manifest {
  const { manifest, problems } = parseCords(document);
  if (!manifest) throw new Error(JSON.stringify(problems));
  return manifest;
}

async function schemaFaults(documents: readonly string[]): Promise<string[]> {
  const xml = documents.map((contents, index) => ({ fileName: `${index}.xml`, contents }));
  const { errors } = await validateXML({ xml, schema: { fileName: 'manifest.xsd', contents: schema } });
  return errors.map(({ rawMessage }) => rawMessage);
}

describe('parseCords', () => {
  it('reads a two-tier application with every spelling of the field', () => {
    const { manifest, problems } = parseCords(example('two-tier.xml'));

    expect(problems).toEqual([
      expect.objectContaining({
        severity: 'warning',
        line: 43,
        message: 'password of <user> is left out: a secret does not belong in a manifest',
      }),
    ]);
    expect(manifest).toMatchObject({
      id: '2f0c0a7e-7f0e-4c53-9d3c-0a8f1f5a7b11',
      name: 'radiology-archive',
      nodes: [
        {
          name: 'database',
          provider: 'any',
          infrastructure: {
            compute: { architecture: 'x64', cores: 2, speedGHz: 2, memoryGiB: 8 },
            network: {
              label: 'ethernet',
              vlan: '100M',
              ports: [
                { protocol: 'tcp', fromPort: 5432, toPort: 5432, range: '10.0.0.0/8', direction: 'in' },
              ],
            },
            storage: { sizeGiB: 1024 },
          },
          image: { agent: 'cosacs', system: { version: '12' }, packages: [{ version: '15' }, {}] },
        },
        {
          name: 'application',
          infrastructure: {
            compute: { architecture: 'x64', speedGHz: 2.4, memoryGiB: 32 },
            storage: { sizeGiB: 512 },
            network: { vlan: 'true', ports: [{ fromPort: 104 }, { fromPort: 443 }] },
          },
        },
      ],
      configuration: { actions: [{ name: 'connect', type: 'cordscript' }, { name: 'begin' }] },
      account: { name: 'radiology', users: [{ name: 'lena', role: 'owner' }] },
    });
    expect(JSON.stringify(manifest)).not.toContain('hunter2');
  });

  it('takes a name alone for a thing that was parsed elsewhere', () => {
    const { manifest, problems } = parseCords(example('self-deployment.xml'));

    expect(manifest?.nodes[1]).toMatchObject({
      name: 'security',
      infrastructure: { name: 'accords:component' },
      image: { name: 'debian:security', system: { name: 'debian_with_agent' } },
    });
    expect(problems.map(({ line, message }) => [line, message])).toEqual([
      [16, 'The text in <release> is left out'],
    ]);
  });

  it('reads a complex node, references as attributes, counts, and what a parser said', () => {
    const { manifest, problems } = parseCords(example('complex-node.xml'));

    expect(problems).toEqual([]);
    expect(manifest).toMatchObject({
      account: { name: 'hospital' },
      configuration: { id: 'hospital', name: 'hospital' },
      nodes: [
        { type: 'radiology-archive', scope: 'common', entry: 'application' },
        { type: 'simple', infrastructure: { name: 'small:machine' }, image: { name: 'debian:gateway' } },
      ],
      warnings: [{ code: '301', message: 'The machine of gateway is described elsewhere' }],
      choices: [{ code: '201', message: 'Any provider serves gateway' }],
    });
  });

  it.each(
    ['private', 'public'].flatMap((access) =>
      ['normal', 'common'].flatMap((scope) => ['simple', 'complex'].map((kind) => ({ access, scope, kind }))),
    ),
  )('reads a $access $scope $kind node', ({ access, scope, kind }) => {
    const nodes = manifestOf(example('node-kinds.xml')).nodes;

    const node = nodes.find(({ name }) => name === `${access}-${scope}-${kind}`);

    expect(node).toMatchObject({ access, scope, type: kind === 'simple' ? 'simple' : 'radiology-archive' });
    expect(node?.image === undefined).toBe(kind === 'complex');
  });

  it('reads GPUs, volumes, sizes without unit and words in capitals', () => {
    const { manifest, problems } = parseCords(example('one-machine.xml'));

    expect(problems).toEqual([]);
    expect(manifest?.nodes[0]).toMatchObject({
      access: 'public',
      scope: 'normal',
      infrastructure: {
        compute: {
          architecture: 'x64',
          memoryGiB: 0.64,
          gpu: { count: 1, model: 'nvidia-l4', memoryGiB: 24, encoder: 'nvenc' },
        },
        storage: { sizeGiB: 10, type: 'ssd', volumes: [{ name: 'images', sizeGiB: 200, type: 'hdd' }] },
      },
    });
  });

  it('reads preferences of providers with quotas, as the manual and as the schema spell them', () => {
    expect(manifestOf(example('provider-preferences.xml')).providers).toMatchObject([
      {
        name: 'openstack',
        price: 'standard',
        quotas: [
          { offered: 48, granularity: 1, price: { rate: '0.02', currency: 'EUR' } },
          { offered: 2048, granularity: 10, price: { name: 'disk' } },
        ],
      },
    ]);
  });

  it.each([
    ['not XML', '<manifest name="a">\n  <node name=b/>\n</manifest>', 2, /attribute/i],
    ['another document', '<plan name="a"/>', 1, /This is a <plan>, not a <manifest>/],
    ['no name', '\n<manifest/>', 2, /name: /],
    ['a node without name', '<manifest name="a">\n\n<node/></manifest>', 3, /name: /],
    [
      'two nodes of one name',
      '<manifest name="a">\n<node name="b"/>\n<node name="b"/></manifest>',
      3,
      /another node b/,
    ],
    [
      'a size that is none',
      '<manifest name="a"><node name="b">\n<infrastructure>\n<compute memory="8 apples"/></infrastructure></node></manifest>',
      3,
      /memory="8 apples" is not a size such as 8G/,
    ],
    [
      'a speed in bytes',
      '<manifest name="a"><node name="b"><infrastructure>\n<compute speed="2GB"/></infrastructure></node></manifest>',
      2,
      /not a speed/,
    ],
    ['a scope that is none', '<manifest name="a">\n<node name="b" scope="wide"/></manifest>', 2, /scope: /],
    [
      'a second account',
      '<manifest name="a"><account name="b"/>\n<account name="c"/></manifest>',
      2,
      /another <account>/,
    ],
    [
      'a port beyond 65535',
      '<manifest name="a"><node name="b"><infrastructure><network>\n<port from="70000"/></network></infrastructure></node></manifest>',
      2,
      /fromPort: /,
    ],
    ['an entity', '<manifest name="&bomb;"/>', 1, /entity/i],
    ['a document type', '<!DOCTYPE manifest [<!ENTITY a "aaaa">]>\n<manifest name="a"/>', 1, /document type/],
  ])('points at %s', (...[, document, line, message]) => {
    const { manifest, problems } = parseCords(document);

    expect(manifest).toBeNull();
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([
      expect.objectContaining({ line, message: expect.stringMatching(message) as unknown }),
    ]);
  });

  it('goes on past what it does not know, and says so', () => {
    const { manifest, problems } = parseCords('<manifest name="a" colour="red">\n <sauce/>\n</manifest>');

    expect(manifest).not.toBeNull();
    expect(problems.map(({ severity, line, column, message }) => [severity, line, column, message])).toEqual([
      ['warning', 1, 1, '<manifest> has no attribute colour: it is left out'],
      ['warning', 2, 2, '<sauce> is not known here: it is left out'],
    ]);
  });

  it('tells of the first problems only when there are thousands, errors among them', () => {
    const { manifest, problems } = parseCords(
      `<manifest name="a">${'<sauce/>'.repeat(5_000)}${'<node/>'.repeat(5_000)}</manifest>`,
    );

    expect(manifest).toBeNull();
    expect(problems.length).toBeLessThanOrEqual(1_000);
    expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
  });

  it('never throws, whatever it is given, and every problem has a place', () => {
    const documents = exampleNames.map(example);
    const mutated = fc
      .tuple(
        fc.constantFrom(...documents),
        fc.nat(),
        fc.nat(40),
        fc.string({ unit: 'binary', maxLength: 12 }),
      )
      .map(([text, at, length, put]) => {
        const from = at % text.length;
        return text.slice(0, from) + put + text.slice(from + length);
      });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), mutated), (document) => {
        const { manifest, problems } = parseCords(document);

        if (!manifest) expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
        for (const { line, column } of problems) expect(Math.min(line ?? 0, column ?? 0)).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  it('is not brought down by depth or by entities', () => {
    const deep = `<manifest name="a">${'<node name="b">'.repeat(100_000)}`;
    const bomb = `<!DOCTYPE m [<!ENTITY a "${'x'.repeat(100)}"><!ENTITY b "${'&a;'.repeat(100)}">]><manifest name="&b;"/>`;

    expect(parseCords(deep).problems).toMatchObject([
      { message: expect.stringMatching(/^Deeper than/) as unknown },
    ]);
    expect(parseCords(bomb).manifest).toBeNull();
  });
});

describe('renderCords', () => {
  it('writes what reads back the same, for every manifest there can be', () => {
    fc.assert(
      fc.property(anyManifest, (manifest) => {
        const { manifest: again, problems } = parseCords(renderCords(manifest));

        expect(problems).toEqual([]);
        expect(again).toEqual(manifest);
      }),
      { numRuns: 200 },
    );
  });

  it.each(exampleNames)('keeps %s and writes it in one form', (name) => {
    const manifest = manifestOf(example(name));

    const rendered = renderCords(manifest);

    expect(manifestOf(rendered)).toEqual(manifest);
    expect(renderCords(manifestOf(rendered))).toBe(rendered);
  });

  it('writes only what manifest.xsd allows', async () => {
    const documents = [
      ...exampleNames.map((name) => manifestOf(example(name))),
      ...fc.sample(anyManifest, 60),
    ].map(renderCords);

    expect(await schemaFaults(documents)).toEqual([]);
  });

  it('is held to the schema: a document that breaks it is refused', async () => {
    const rendered = renderCords(manifestOf(example('two-tier.xml')));

    expect(await schemaFaults([rendered.replace('cores="2"', 'cores="two"')])).not.toEqual([]);
    expect(await schemaFaults([rendered.replace('<node name="database"', '<node')])).not.toEqual([]);
  });
});
