import { expect } from '@playwright/test';
import { test } from '../support/fixtures.ts';
import { openPerson } from '../support/viewer-page.ts';

test('a held mouse steers by its ways, and is let go when control goes', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  const radiologist = await openPerson(chromium, medusa);
  const { page } = radiologist;
  await radiologist.logIn('radiologist');
  await orthanc.push();
  const first = await radiologist.openFirstStudy();
  const { windowWidth, windowCenter } = first.viewports[0] ?? {};
  const held = page.getByTestId('mouse-held');
  const start = await radiologist.pointOf(700, 400);
  await page.mouse.move(start.x, start.y);

  await test.step('by its keys, and by its button', async () => {
    await page.getByTestId('stream-keyboard').focus();
    await page.keyboard.press('Control+Alt+KeyR');
    await expect(held).toBeVisible();
    await page.keyboard.press('Control+Alt+KeyR');
    await expect(held).toBeHidden();
    await page.getByTestId('relative-pointer').click();
    await expect(held).toBeVisible();
    await expect(page.getByTestId('relative-pointer')).toHaveAttribute('aria-pressed', 'true');
  });

  await test.step('the display’s pointer goes the way of the mouse, wherever that is', async () => {
    // The mouse is in the bar now, the pointer in the middle of the image still.
    const { x, y } = await page.evaluate(() => ({ x: innerWidth - 200, y: 20 }));
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (let step = 1; step <= 8; step += 1) await page.mouse.move(x - step * 10, y);
    await page.mouse.up();
    const view = await radiologist.viewThat(
      'another window',
      ({ viewports }) => viewports[0]?.windowWidth !== windowWidth,
    );
    expect(view.viewports[0]?.windowCenter).toBe(windowCenter);
  });

  await test.step('who gives control away has the mouse back', async () => {
    await page.keyboard.press('Control+Alt+KeyR');
    await radiologist.openRoomPanel();
    await page.getByTestId('invite-button').click();
    const link = await page.getByTestId('room-link').inputValue();
    const doctor = await openPerson(chromium, medusa, new URL(link).pathname);
    await doctor.logIn('doctor');
    await doctor.passDeviceCheck();
    await expect(doctor.video).toBeVisible({ timeout: 60_000 });
    await expect(doctor.page.getByTestId('relative-pointer')).toBeHidden();
    await doctor.page.getByTestId('request-floor').click();
    await page.getByTestId('relative-pointer').click();
    await expect(held).toBeVisible();
    await page.getByTestId('give-floor').dispatchEvent('click');
    await expect(held).toBeHidden();
    await expect(doctor.page.getByTestId('relative-pointer')).toBeVisible();
    await doctor.page.context().close();
  });
  await page.context().close();
});
