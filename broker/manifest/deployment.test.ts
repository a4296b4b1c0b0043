import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createResourceSchema,
  deploymentPlanSchema,
  manifestSchema,
  type DeploymentPlan,
  type Manifest,
} from '@medusa/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applicationsDir, loadCatalogue } from './catalogue.ts';
import { parseCords } from './cords/index.ts';
import { planDeployment } from './deployment.ts';

const { manifests } = await loadCatalogue(applicationsDir);
const options = { manifests, tenant: 'radiology' };
const example = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'cords', 'examples', name), 'utf8');

function manifestOf(document: string): Manifest {
  const { manifest, problems } = parseCords(document);
  if (!manifest) throw new Error(JSON.stringify(problems));
  return manifest;
}

function planOf(manifest: Manifest | undefined, more: readonly Manifest[] = []): DeploymentPlan {
  if (!manifest) throw new Error('There is no such manifest');
  const known = new Map([...manifests, ...more.map((one) => [one.name, one] as const)]);
  const planned = planDeployment(manifest, { ...options, manifests: known });
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  return planned.plan;
}

const problemsOf = (document: string): unknown => {
  const planned = planDeployment(manifestOf(document), options);
  return planned.ok ? [] : planned.problems;
};

/** Each thing comes after what it waits for; both kinds of ids are told apart by nobody, so all are unique. */
function expectInOrder({ nodes }: DeploymentPlan): void {
  const done = new Set<string>();
  for (const { wishes, instructions } of nodes)
    for (const { id, waitsFor } of [...wishes, ...instructions]) {
      for (const need of waitsFor) expect(done).toContain(need);
      expect(done).not.toContain(id);
      done.add(id);
    }
}

describe('planDeployment', () => {
  it('makes the database of a two-tier application first, then the application that is told where it is', () => {
    const plan = planOf(manifestOf(example('two-tier.xml')));

    expectInOrder(plan);
    expect(plan.nodes.map(({ node, wishes }) => [node, wishes.map(({ id }) => id)])).toEqual([
      ['database', ['radiology-ethernet', 'radiology-archive-database-sg', 'radiology-archive-database']],
      ['application', ['radiology-archive-application-sg', 'radiology-archive-application']],
    ]);
    expect(plan.nodes[0]?.wishes[1]?.spec).toEqual({
      kind: 'security-group',
      tenant: 'radiology',
      rules: [{ direction: 'in', protocol: 'tcp', fromPort: 5432, toPort: 5432, remote: '10.0.0.0/8' }],
    });
    expect(plan.nodes[0]?.wishes[2]).toMatchObject({
      spec: {
        kind: 'machine',
        role: 'plain',
        networks: ['radiology-ethernet'],
        need: {
          provider: 'any',
          architecture: 'x64',
          cores: 2,
          memoryMiB: 8192,
          diskGiB: 1024,
          gpu: null,
          system: 'debian',
          packages: ['postgresql', 'postgresql-contrib'],
        },
      },
      waitsFor: ['radiology-ethernet', 'radiology-archive-database-sg'],
    });
    expect(plan.nodes[1]?.instructions).toMatchObject([
      {
        id: 'configuration-1',
        verb: 'configure',
        arguments: [{ kind: 'property', node: 'database', property: 'hostname' }],
        waitsFor: ['radiology-archive-application', 'radiology-archive-database'],
      },
      {
        id: 'configuration-2',
        verb: 'system',
        waitsFor: ['radiology-archive-application', 'configuration-1'],
      },
      { id: 'interface-3', verb: 'start' },
    ]);
  });

  it('releases in the reverse order: those who need first, what they are made of last', () => {
    const { nodes, release } = planOf(manifests.get('near-data'));

    expect(nodes.map(({ node, isShared }) => [node, isShared])).toEqual([
      ['store.store', true],
      ['store', true],
      ['reader', false],
      ['viewer', false],
    ]);
    expect(release).toEqual([
      {
        node: 'viewer',
        instructions: [
          expect.objectContaining({ verb: 'stop', waitsFor: [] }),
          expect.objectContaining({ verb: 'kill', arguments: [{ kind: 'text', text: 'node' }] }),
        ],
        resources: ['near-data-viewer', 'near-data-viewer-sg'],
      },
      {
        node: 'reader',
        instructions: [expect.objectContaining({ verb: 'stop' }), expect.objectContaining({ verb: 'kill' })],
        resources: ['near-data-reader', 'near-data-reader-sg'],
      },
    ]);
    const all = release.flatMap(({ instructions }) => instructions);
    expect(all.slice(1).map(({ waitsFor }) => waitsFor)).toEqual(all.slice(0, -1).map(({ id }) => [id]));
  });

  it('puts the reader into the network of the storage node, and asks for its GPU and volume', () => {
    const plan = planOf(manifests.get('near-data'));
    const wishes = plan.nodes.flatMap((node) => node.wishes);
    const specOf = (id: string): unknown => wishes.find((wish) => wish.id === id)?.spec;

    expectInOrder(plan);
    expect(specOf('storage-store')).toMatchObject({ role: 'storage', networks: ['radiology-storage'] });
    expect(specOf('near-data-reader')).toMatchObject({
      role: 'render',
      networks: ['radiology-storage'],
      need: { cores: 8, memoryMiB: 32_768, gpu: { count: 1, encoder: 'nvenc', model: null } },
    });
    expect(specOf('storage-store-objects')).toMatchObject({
      sizeGiB: 500,
      attachedTo: 'storage-store',
      holdsPatientData: true,
    });
    expect(wishes.filter(({ spec }) => spec.kind === 'network').map(({ id }) => id)).toEqual([
      'radiology-storage',
      'radiology-viewers',
    ]);
  });

  it('plans every application of the catalogue', () => {
    for (const manifest of manifests.values()) {
      const plan = planOf(manifest);

      expectInOrder(plan);
      expect(deploymentPlanSchema.parse(plan)).toEqual(plan);
    }
  });

  it('asks for what provisioning takes, once image and size of a provider are chosen', () => {
    for (const { id, spec } of planOf(manifests.get('near-data')).nodes.flatMap(({ wishes }) => wishes)) {
      const { need, ...known } = { need: undefined, ...spec };
      const chosen = need === undefined ? known : { ...known, image: 'medusa-render', size: 'large' };

      expect(createResourceSchema.safeParse({ id, provider: 'cloud', spec: chosen }).error).toBeUndefined();
    }
  });

  it('makes a complex node of the nodes of its own manifest, and waits for all of them', () => {
    const plan = planOf(manifestOf(example('complex-node.xml')), [manifestOf(example('two-tier.xml'))]);

    expectInOrder(plan);
    expect(plan.nodes.map(({ node, manifest }) => [node, manifest])).toEqual([
      ['archive.database', 'radiology-archive'],
      ['archive.application', 'radiology-archive'],
      ['archive', 'radiology-archive'],
      ['gateway', 'hospital'],
    ]);
    const [address] = plan.nodes[3]?.instructions ?? [];
    expect(address?.arguments).toEqual([
      { kind: 'property', node: 'archive.application', property: 'hostname' },
    ]);
    expect(address?.waitsFor).toContain('hospital-archive-application');
    expect(plan.nodes[2]?.instructions[0]?.waitsFor).toEqual(
      expect.arrayContaining(['hospital-archive-database', 'hospital-archive-application']),
    );
  });

  it('places a public common node once, however many name it', () => {
    const plan = planOf(
      manifestOf(
        '<manifest name="both"><node name="one" type="aeskulap"/><node name="two" type="near-data"/></manifest>',
      ),
    );

    expectInOrder(plan);
    const machines = plan.nodes.flatMap(({ wishes }) => wishes).filter(({ spec }) => spec.kind === 'machine');
    expect(machines.map(({ id }) => id)).toEqual([
      'storage-store',
      'both-one-viewer',
      'both-two-reader',
      'both-two-viewer',
    ]);
  });

  it.each([
    [
      'nodes that need each other',
      '<manifest name="m"><node name="a"/><node name="b"/><configuration><action expression="a.configure(b.hostname); b.configure(a.hostname)"/></configuration></manifest>',
      '',
      'These nodes need each other: a needs b needs a',
    ],
    [
      'a manifest that is not there',
      '<manifest name="m"><node name="a" type="nothing"/></manifest>',
      '/nodes/0',
      'There is no manifest nothing',
    ],
    [
      'a manifest that is in itself',
      '<manifest name="storage"><node name="a" type="aeskulap"/></manifest>',
      '/nodes/0',
      'A manifest is in itself: storage has aeskulap has storage',
    ],
    [
      'a node that a complex node does not have',
      '<manifest name="m"><node name="a" type="storage"/><node name="b"/><configuration><action expression="b.configure(a.cellar.hostname)"/></configuration></manifest>',
      '/nodes/1',
      'There is no node a.cellar',
    ],
    [
      'a release of a node that a complex node does not have',
      '<manifest name="m"><node name="a" type="storage"/><release><action expression="a.cellar.stop()"/></release></manifest>',
      '/nodes/0',
      'There is no node a.cellar',
    ],
    [
      'a volume beyond what provisioning takes',
      '<manifest name="m"><node name="a"><infrastructure><storage><volume name="v" size="900T"/></storage></infrastructure></node></manifest>',
      '/nodes/0',
      /^The volume m-a-v: sizeGiB: /,
    ],
    [
      'an expression that cannot be read',
      '<manifest name="m"><node name="a"/><configuration><action expression="a.explode()"/></configuration></manifest>',
      '/configuration/actions/0',
      'Line 1, column 1 of the expression: There is no action explode',
    ],
  ])('refuses %s', (...[, document, pointer, message]) => {
    const text = typeof message === 'string' ? message : (expect.stringMatching(message) as unknown);

    expect(problemsOf(document)).toContainEqual({ pointer, message: text });
  });

  it('gives every thing an id of its own, whatever the nodes are called', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_:-]{0,50}$/), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(names, fc.stringMatching(/^[ -~]{1,60}$/), (nodes, name) => {
        const manifest = manifestSchema.parse({
          name,
          nodes: nodes.map((node) => ({
            name: node,
            infrastructure: { network: { label: node }, storage: { volumes: [{ name: 'sg', sizeGiB: 1 }] } },
          })),
        });

        expectInOrder(planOf(manifest));
      }),
    );
  });

  it('turns ports into rules: both ways, every port, the first to the last', () => {
    const port = (attributes: string): string =>
      `<manifest name="m"><node name="a"><infrastructure><network><port ${attributes}/></network></infrastructure></node></manifest>`;
    const rulesOf = (attributes: string): unknown => {
      const [group] = planOf(manifestOf(port(attributes))).nodes[0]?.wishes ?? [];
      return group?.spec.kind === 'security-group' ? group.spec.rules : undefined;
    };
    const any = { protocol: 'tcp', fromPort: null, toPort: null, remote: '0.0.0.0/0' };

    expect(rulesOf('direction="none" from="1"')).toEqual([]);
    expect(rulesOf('direction="inout" from="0" to="0"')).toEqual([
      { ...any, direction: 'in' },
      { ...any, direction: 'out' },
    ]);
    expect(rulesOf('from="22"')).toEqual([{ ...any, direction: 'in', fromPort: 22, toPort: 22 }]);
    expect(rulesOf('from="0" to="1023" protocol="udp" range="2001:db8::/32"')).toEqual([
      { direction: 'in', protocol: 'udp', fromPort: 1, toPort: 1023, remote: '2001:db8::/32' },
    ]);
  });
});
