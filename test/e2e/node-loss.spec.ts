import { expect, test as base } from '@playwright/test';
import type { Browser } from '@playwright/test';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { startMedusa, type Medusa } from '../support/medusa.ts';
import { killNode, nodeOf, untilNodesReady, watchRecovery } from '../support/node-loss.ts';
import { startOrthanc, type Orthanc } from '../support/orthanc.ts';
import { grabPicture, similarity } from '../support/picture.ts';
import { wholePicture } from '../support/reference-check.ts';
import { openPerson, seenOf } from '../support/viewer-page.ts';
import { waitFor } from '../support/wait.ts';

const test = base.extend<{ medusa: Medusa; orthanc: Orthanc; chromium: Browser }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the fixture's needs from this pattern.
  medusa: async ({}, use) => {
    await using medusa = await startMedusa({ environment: { MEDUSA_RENDER_NODES: '2' } });
    await use(medusa);
  },
  orthanc: async ({ medusa }, use) => {
    await using orthanc = await startOrthanc({ aeTitle: 'MEDUSA', port: medusa.dicomPort });
    await orthanc.upload(ctFolder);
    await use(orthanc);
  },
  chromium: async ({ medusa }, use) => {
    await using browser = await launchBrowser(medusa.caFile);
    await use(browser);
  },
});

test('a render node is killed in mid-session: two people see the same again, from another node, and nobody has to do anything', async ({
  medusa,
  orthanc,
  chromium,
}, testInfo) => {
  const radiologist = await openPerson(chromium, medusa);
  await radiologist.logIn('radiologist');
  await orthanc.push();
  await untilNodesReady(medusa, 2);
  await radiologist.openFirstStudy();
  await test.step('the radiologist works: slice, length, zoom, pan, window, inversion', async () => {
    const { page } = radiologist;
    const move = async (x: number, y: number): Promise<void> => {
      const point = await radiologist.pointOf(x, y);
      await page.mouse.move(point.x, point.y, { steps: 6 });
    };
    const drag = async (
      button: 'left' | 'right' | 'middle',
      to: readonly [number, number],
    ): Promise<void> => {
      await page.mouse.down({ button });
      await move(...to);
      await page.mouse.up({ button });
    };
    await move(700, 400);
    for (let notch = 0; notch < 20; notch += 1) await page.mouse.wheel(0, 100);
    await radiologist.viewThat('slice 21', ({ viewports }) => viewports[0]?.sliceIndex === 20);
    await drag('left', [660, 380]);
    await radiologist.viewThat(
      'a window of its own',
      ({ resumption }) => resumption?.isWindowChosen === true,
    );
    await page.keyboard.press('l');
    await radiologist.viewThat('the ruler', ({ tool }) => tool === 'Length');
    await move(620, 300);
    await drag('left', [780, 420]);
    await radiologist.viewThat('a length', ({ measurements }) => measurements.length === 1);
    await move(700, 300);
    await drag('right', [700, 260]);
    await drag('middle', [740, 290]);
    await page.keyboard.press('1');
    await radiologist.viewThat('a window', ({ viewports }) => viewports[0]?.windowWidth === 400);
    await page.keyboard.press('i');
    await radiologist.viewThat('the inversion', ({ viewports }) => viewports[0]?.invert === true);
  });
  await radiologist.openRoomPanel();
  await radiologist.page.getByTestId('invite-button').click();
  const link = (await radiologist.page.getByTestId('room-link').inputValue()).trim();
  const doctor = await openPerson(chromium, medusa, new URL(link).pathname);
  await doctor.logIn('doctor');
  await doctor.passDeviceCheck();
  await expect(doctor.video).toBeVisible({ timeout: 60_000 });

  // The room's panel has made the picture narrower.
  const before = await radiologist.viewAtRest();
  await doctor.viewThat('the same', ({ revision }) => revision === before.revision);
  const picture = await grabPicture(radiologist.video, wholePicture(before));
  const seat = await radiologist.page.evaluate(probe);

  const nodeId = await nodeOf(medusa);
  const watching = [radiologist, doctor].map(async ({ page }) => watchRecovery(page));
  const killedAt = killNode(medusa, nodeId);

  await expect(radiologist.page.getByTestId('node-lost')).toBeVisible();
  const seenAgain = await Promise.all(watching);
  const tookMs = seenAgain.map((at) => Math.round(at - killedAt));
  testInfo.annotations.push({ type: 'kill to picture, ms', description: tookMs.join(', ') });
  process.stdout.write(`    kill to picture: ${tookMs.join(' ms, ')} ms\n`);

  const after = await radiologist.viewThat(
    'the view of the other node',
    ({ ready, revision }) => ready && revision > before.revision,
  );
  expect(seenOf(after)).toEqual(seenOf(before));
  await waitFor('the same picture', async () =>
    similarity(picture, await grabPicture(radiologist.video, wholePicture(after))) > 0.97 ? true : undefined,
  );
  await expect(radiologist.page.getByTestId('recovered')).toBeVisible();
  expect(await nodeOf(medusa)).not.toBe(nodeId);
  expect(await radiologist.page.evaluate(probe)).toEqual(seat);

  await test.step('whoever steered steers, and the other one sees it', async () => {
    const point = await radiologist.pointOf(700, 400);
    await radiologist.page.mouse.move(point.x, point.y);
    for (let notch = 0; notch < 3; notch += 1) await radiologist.page.mouse.wheel(0, 100);
    await doctor.viewThat('slice 24', ({ viewports }) => viewports[0]?.sliceIndex === 23);
  });
  await doctor.page.context().close();
  await radiologist.page.context().close();
});

/** Runs in the page. */
function probe(): { participantId: string | null; isController: boolean } | undefined {
  const { medusaViewer } = globalThis as unknown as {
    medusaViewer?: { participantId: string | null; isController: boolean };
  };
  return (
    medusaViewer && { participantId: medusaViewer.participantId, isController: medusaViewer.isController }
  );
}
