import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect as expectPage } from '@playwright/test';
import { auditEventSchema } from '@medusa/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { launchBrowser } from '../../support/browser.ts';
import { grabPicture } from '../../support/picture.ts';
import { openPerson } from '../../support/viewer-page.ts';
import { wholePicture } from '../../support/reference-check.ts';
import { waitFor } from '../../support/wait.ts';
import { requirePackages, startPeer, type Peer } from '../support/peer.ts';
import {
  ask,
  emptyLocalPool,
  imageOf,
  poolOfOne,
  startHospital,
  tellTimes,
  type Hospital,
} from './hospital.ts';

const run = promisify(execFile);
const missing = requirePackages(
  ...['lxd', 'lxd-client', 'uidmap', 'dnsmasq-base', 'busybox-static', 'openssl', 'debootstrap', 'zstd'],
  ...['dcmtk', 'chromium', 'libnss3-tools'],
);
const minute = 60_000;
const suite = new AsyncDisposableStack();
let peer: Peer;
let hospital: Hospital;

const exported = (name: string): string => peer.exports[name] ?? '';

async function lxc(...args: string[]): Promise<string> {
  const { stdout } = await run('lxc', args, { env: { ...process.env, LXD_DIR: exported('LXD_DIR') } });
  return stdout;
}

const instances = async (): Promise<string[]> => JSON.parse(await lxc('query', '/1.0/instances')) as string[];

describe.skipIf(missing !== undefined)(`guests in LXD${missing ? ` (skipped: ${missing})` : ''}`, () => {
  beforeAll(async () => {
    peer = suite.use(await startPeer('lxd'));
    hospital = suite.use(await startHospital(exported('LXD_HOST_ADDRESS')));
    // Applications are held in by namespaces of their own, which a container may make only when its profile says so.
    await lxc('profile', 'set', 'default', 'security.nesting', 'true');
    await hospital.change('PUT', '/api/providers/lxd', {
      ...{ kind: 'lxd', title: 'Containers of this host', credentials: {} },
      settings: {
        socketPath: exported('LXD_SOCKET'),
        sizes: [{ id: 'guest', cpus: 2, memoryMiB: 4_096 }],
        stopSeconds: 5,
      },
    });
  });
  afterAll(async () => suite.disposeAsync());

  it(
    'builds the image and gives it to the provider',
    async () => {
      const startedAt = Date.now();
      const spec = imageOf('rootfs-tar');
      await hospital.change('POST', '/api/resources', { id: 'guest-image', provider: 'lxd', spec });

      const ready = { fits: ({ phase }: { phase: string }) => phase === 'ready', withinMs: 40 * minute };
      const { ref } = await hospital.resourceThat('guest-image', 'the image', ready);

      expect(JSON.parse(await lxc('query', '/1.0/images'))).toContain(`/1.0/images/${ref ?? ''}`);
      process.stdout.write(`  image: ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
    },
    45 * minute,
  );

  it(
    'has a container join once, and shows the first frame out of it',
    async () => {
      await using browser = await launchBrowser(hospital.medusa.caFile);
      await hospital.sendStudy();
      const machine = { image: 'guest-image', size: 'guest' };
      await hospital.change('PUT', '/api/pools/lxd-render', poolOfOne('lxd', machine, 300));
      const id = await waitFor('a machine', async () => (await hospital.ofPool('lxd-render'))[0]?.id, minute);
      const ready = { fits: ({ phase }: { phase: string }) => phase === 'ready', withinMs: 8 * minute };
      const guest = await hospital.resourceThat(id, 'the container to join', ready);
      await tellTimes(hospital, id);
      await emptyLocalPool(hospital);

      const radiologist = await openPerson(browser, hospital.medusa);
      await radiologist.logIn('radiologist');
      await expectPage(radiologist.page.getByTestId('worklist-row').first()).toBeVisible();
      const openedAt = Date.now();
      const view = await radiologist.openFirstStudy();
      process.stdout.write(
        `  first slice: ${((Date.now() - openedAt) / 1000).toFixed(1)} s after the click\n`,
      );

      expect(view.viewports[0]?.sliceCount).toBe(60);
      const picture = await grabPicture(radiologist.video, wholePicture(view));
      expect(new Set(picture.pixels).size).toBeGreaterThan(20);
      // It is drawn in the container, by a process of a user of its own there, and nowhere else.
      const drawing = await lxc('exec', guest.ref ?? '', '--', 'ps', '-eo', 'uid,args');
      expect(drawing).toMatch(/Xvfb/);
      expect(drawing).toMatch(/^ *61\d{3} .*chromium/m);
      expect(hospital.medusa.findProcess('renderer/main.ts')).toBeUndefined();

      await radiologist.page.getByTestId('leave-button').click();
      await radiologist.page.context().close();
    },
    15 * minute,
  );

  it('refuses the join token when it is shown again, and the audit trail has it', async () => {
    const guest = (await hospital.ofPool('lxd-render'))[0];
    const joinToken = (await lxc('config', 'get', guest?.ref ?? '', 'environment.MEDUSA_JOIN_TOKEN')).trim();
    const { url, caFile } = hospital.medusa;

    const answer = await ask(`${url}/api/nodes/join`, { method: 'POST', body: { joinToken }, caFile });

    expect(answer).toMatchObject({ status: 403, body: { code: 'join.refused' } });
    const { body } = await hospital.call('GET', `/api/audit?limit=100&objectId=${guest?.id ?? ''}`);
    const events = z.object({ events: z.array(auditEventSchema) }).parse(body).events;
    const told = events.map(({ action, detail }) => `${action}: ${detail}`);
    expect(told).toContain('node.join-refused: The join token was used already');
    expect(told).toContain('node.joined: incarnation 1');
  });

  it(
    'replaces a container that never joins, and says why',
    async () => {
      const machine = { image: exported('LXD_IMAGE'), size: 'guest' };
      await hospital.change('PUT', '/api/pools/broken', poolOfOne('lxd', machine, 10));
      const id = await waitFor('a machine', async () => (await hospital.ofPool('broken'))[0]?.id, minute);

      const replaced = await hospital.resourceThat(id, 'its replacement', {
        fits: ({ incarnation }) => incarnation >= 2,
        withinMs: 4 * minute,
      });

      expect(replaced.incarnation).toBeGreaterThanOrEqual(2);
      const told = (await hospital.eventsOf(id)).map(({ text }) => text).join('\n');
      expect(told).toContain('It did not join within 10 s');
      await hospital.change('DELETE', '/api/pools/broken');
    },
    6 * minute,
  );

  it(
    'leaves nothing at the provider when nothing is wanted any more',
    async () => {
      await hospital.change('DELETE', '/api/pools/lxd-render');
      await waitFor(
        'the containers to go',
        async () => ((await instances()).length === 0 ? true : undefined),
        3 * minute,
      );
      await hospital.change('POST', '/api/resources/guest-image/actions', { action: 'destroy' });
      await waitFor(
        'the image to go',
        async () =>
          (await lxc('image', 'list', '-f', 'csv', '-c', 'l')).includes('medusa-') ? undefined : true,
        3 * minute,
      );

      expect(await instances()).toEqual([]);
    },
    8 * minute,
  );
});
