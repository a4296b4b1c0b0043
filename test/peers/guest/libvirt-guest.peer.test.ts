import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { nodeViewSchema } from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { waitFor } from '../../support/wait.ts';
import { requirePackages, startPeer, type Peer } from '../support/peer.ts';
import { emptyLocalPool, imageOf, poolOfOne, startHospital, tellTimes, type Hospital } from './hospital.ts';

const run = promisify(execFile);
const missing = requirePackages(
  ...[
    'libvirt-daemon-system',
    'libvirt-clients',
    'libvirt-daemon-driver-lxc',
    'qemu-system-x86',
    'qemu-utils',
  ],
  ...['genisoimage', 'busybox-static', 'dnsmasq-base', 'iptables', 'debootstrap', 'zstd', 'e2fsprogs'],
  ...['dcmtk', 'chromium', 'libnss3-tools'],
);
const minute = 60_000;
const suite = new AsyncDisposableStack();
let peer: Peer;
let hospital: Hospital;

const exported = (name: string): string => peer.exports[name] ?? '';

/** libvirt's own client, behind the driver's back: names, one a line. */
async function virsh(...args: string[]): Promise<string[]> {
  const { stdout } = await run('virsh', ['-q', '-c', exported('LIBVIRT_URI'), ...args]);
  return [...stdout.matchAll(/^\s*(\S+)/gm)].map(([, name = '']) => name);
}

/** The processor is emulated in software: everything takes some ten times as long as on a hospital's machine. */
describe.skipIf(missing !== undefined)(
  `guests in QEMU by libvirt${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    beforeAll(async () => {
      peer = suite.use(await startPeer('libvirt'));
      hospital = suite.use(await startHospital(exported('LIBVIRT_HOST_ADDRESS')));
      await hospital.change('PUT', '/api/providers/libvirt', {
        ...{ kind: 'libvirt', title: 'Virtual machines of this host', credentials: {} },
        settings: {
          uri: exported('LIBVIRT_URI'),
          domainType: 'qemu',
          network: 'user',
          sizes: [{ id: 'guest', cpus: 2, memoryMiB: 3_072 }],
          stopSeconds: 5,
        },
      });
      await emptyLocalPool(hospital);
    });
    afterAll(async () => suite.disposeAsync());

    it(
      'builds the disk and gives it to the provider',
      async () => {
        const spec = imageOf('qcow2');
        await hospital.change('POST', '/api/resources', { id: 'guest-disk', provider: 'libvirt', spec });

        const ready = { fits: ({ phase }: { phase: string }) => phase === 'ready', withinMs: 40 * minute };
        const { ref } = await hospital.resourceThat('guest-disk', 'the image', ready);

        expect(await virsh('vol-list', 'default')).toContain(ref);
      },
      45 * minute,
    );

    it(
      'boots a machine that joins once, and has room for sessions',
      async () => {
        const machine = { image: 'guest-disk', size: 'guest' };
        await hospital.change('PUT', '/api/pools/libvirt-render', poolOfOne('libvirt', machine, 1_500));
        const id = await waitFor(
          'a machine',
          async () => (await hospital.ofPool('libvirt-render'))[0]?.id,
          minute,
        );
        const ready = { fits: ({ phase }: { phase: string }) => phase === 'ready', withinMs: 30 * minute };

        const guest = await hospital.resourceThat(id, 'the machine to join', ready);

        await tellTimes(hospital, id);
        expect(guest.incarnation).toBe(1);
        expect(await virsh('list', '--name')).toEqual([guest.ref]);
        const { body } = await hospital.call('GET', '/api/nodes');
        const nodes = z.object({ nodes: z.array(nodeViewSchema) }).parse(body).nodes;
        expect(nodes.find((node) => String(node.id) === id)).toMatchObject({
          state: 'ready',
          capabilities: { slots: 1 },
        });
        const shown = await hospital.call('GET', `/api/resources/${id}/console`);
        expect(JSON.stringify(shown.body)).toContain('joined the broker');
      },
      35 * minute,
    );

    it(
      'leaves nothing at the provider when nothing is wanted any more',
      async () => {
        await hospital.change('DELETE', '/api/pools/libvirt-render');
        // As long as a machine is wanted its disk is refused to go.
        await waitFor(
          'the machine to go',
          async () => ((await virsh('list', '--all', '--name')).length === 0 ? true : undefined),
          3 * minute,
        );
        await hospital.change('POST', '/api/resources/guest-disk/actions', { action: 'destroy' });

        await waitFor(
          'its disks and the image to go',
          async () => ((await virsh('vol-list', 'default')).length === 0 ? true : undefined),
          4 * minute,
        );

        expect(await virsh('vol-list', 'default')).toEqual([]);
      },
      8 * minute,
    );
  },
);
