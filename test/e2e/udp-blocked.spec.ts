import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@playwright/test';
import { openViewerNetwork, type ViewerNetwork } from '../bench/stream/network/viewer-network.ts';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { startMedusa } from '../support/medusa.ts';
import { openPerson, type Person } from '../support/viewer-page.ts';

const execute = promisify(execFile);
const turnsOfTheWheel = 5;

test.skip(process.getuid?.() !== 0, 'it makes a network namespace with a firewall: it needs root');

test('where UDP is blocked the picture comes over TCP, from the start or in mid-session, and nobody has to do anything', async () => {
  await using network = await openViewerNetwork('cable', 1);
  await using medusa = await startMedusa({ bind: network.serverAddress });
  const files = (await readdir(ctFolder)).filter((name) => name.endsWith('.dcm'));
  const peer = ['-aet', 'HOSPITAL', '-aec', 'MEDUSA', network.serverAddress, String(medusa.dicomPort)];
  await execute('storescu', ['-xt', ...peer, ...files.map((name) => path.join(ctFolder, name))]);
  await using browser = await launchBrowser(medusa.caFile, { executable: network.chromium });

  await test.step('UDP is blocked from the start', async () => {
    await blockUdp(network);
    const person = await openPerson(browser, medusa);
    await person.logIn('radiologist');
    await person.openFirstStudy();
    await expect(person.page.getByTestId('protocol-value')).toHaveText('tcp');
    await scroll(person, 0);
    await person.page.getByTestId('leave-button').click();
    await person.page.context().close();
    await allowUdp(network);
  });

  await test.step('UDP dies in mid-session, and is there again', async () => {
    const person = await openPerson(browser, medusa);
    await person.logIn('radiologist');
    await person.openFirstStudy();
    await expect(person.page.getByTestId('protocol-value')).toHaveText('udp');
    await scroll(person, 0);

    const blockedAt = performance.now();
    await blockUdp(network);
    await expect(person.page.getByTestId('protocol-value')).toHaveText('tcp', { timeout: 15_000 });
    await expect.poll(async () => stateOf(person)).toBe('live');
    process.stdout.write(
      `    UDP blocked to picture over TCP: ${Math.round(performance.now() - blockedAt)} ms\n`,
    );
    await scroll(person, turnsOfTheWheel);
    await allowUdp(network);
    await scroll(person, 2 * turnsOfTheWheel);
    await person.page.context().close();
  });
});

/** Inputs get there, and their pictures come back. */
async function scroll(person: Person, from: number): Promise<void> {
  const { page } = person;
  const point = await person.pointOf(640, 400);
  await page.mouse.move(point.x, point.y);
  const samples = async (): Promise<number> =>
    page.evaluate(
      () =>
        (globalThis as unknown as { medusaViewer: { latencySamples: unknown[] } }).medusaViewer.latencySamples
          .length,
    );
  const before = await samples();
  for (let turn = 0; turn < turnsOfTheWheel; turn += 1) await page.mouse.wheel(0, 100);
  await person.viewThat(
    'the slice scrolled to',
    ({ viewports }) => viewports[0]?.sliceIndex === from + turnsOfTheWheel,
  );
  // What was under way while the path was mended has no sample: the wheel goes on, there and back, until one comes.
  await expect
    .poll(async () => {
      await page.mouse.wheel(0, 100);
      await page.mouse.wheel(0, -100);
      return samples();
    })
    .toBeGreaterThan(before);
  await person.viewThat(
    'the slice is the same again',
    ({ viewports }) => viewports[0]?.sliceIndex === from + turnsOfTheWheel,
  );
}

async function stateOf({ page }: Person): Promise<string | undefined> {
  return page.evaluate(
    () => (globalThis as unknown as { medusaViewer?: { pictureState: string } }).medusaViewer?.pictureState,
  );
}

/** In the viewer's own network, both ways. */
async function blockUdp({ namespace }: ViewerNetwork): Promise<void> {
  for (const rule of [
    'add table inet blocked',
    'add chain inet blocked in { type filter hook input priority 0; }',
    'add chain inet blocked out { type filter hook output priority 0; }',
    'add rule inet blocked in meta l4proto udp drop',
    'add rule inet blocked out meta l4proto udp drop',
  ])
    await execute('ip', ['netns', 'exec', namespace, 'nft', rule]);
}

async function allowUdp({ namespace }: ViewerNetwork): Promise<void> {
  await execute('ip', ['netns', 'exec', namespace, 'nft', 'delete table inet blocked']);
}
