import { expect } from '@playwright/test';
import { test } from '../support/fixtures.ts';
import { enterPerson } from '../support/viewer-page.ts';

type Place = { readonly x: number; readonly y: number };

test('on a tablet, fingers scroll through a study, and window it', async ({ medusa, orthanc, chromium }) => {
  const context = await chromium.newContext({ viewport: { width: 1_180, height: 820 }, hasTouch: true });
  context.setDefaultTimeout(30_000);
  const person = await enterPerson(await context.newPage(), medusa);
  await person.logIn('radiologist');
  await orthanc.push();
  const first = await person.openFirstStudy();
  const cdp = await context.newCDPSession(person.page);
  const touch = async (type: 'touchStart' | 'touchMove' | 'touchEnd', ...fingers: Place[]) =>
    cdp.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: fingers.map((place, id) => ({ ...place, id })),
    });
  const centre = await person.pointOf(700, 400);
  const windowOf = first.viewports[0]?.windowWidth;

  await test.step('two fingers turn the wheel', async () => {
    const beside = (upPx: number): Place[] =>
      [-40, 40].map((x) => ({ x: centre.x + x, y: centre.y + 100 - upPx }));
    await touch('touchStart', ...beside(0));
    for (let upPx = 20; upPx <= 200; upPx += 20) await touch('touchMove', ...beside(upPx));
    await touch('touchEnd');
    await person.viewThat('the sixth slice', ({ viewports }) => viewports[0]?.sliceIndex === 5);
  });

  await test.step('one finger draws with the left button', async () => {
    await touch('touchStart', centre);
    for (let x = 20; x <= 160; x += 20) await touch('touchMove', { x: centre.x + x, y: centre.y });
    await touch('touchEnd');
    const view = await person.viewThat(
      'another window',
      ({ viewports }) => viewports[0]?.windowWidth !== windowOf,
    );
    expect(view.viewports[0]?.sliceIndex).toBe(5);
  });

  await person.page.getByTestId('leave-button').click();
  await expect(person.page.getByTestId('worklist-row').first()).toBeVisible();
  await context.close();
});
