import { expect, test } from '@playwright/test';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { startMedusa } from '../support/medusa.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { grabElement, grabPicture } from '../support/picture.ts';
import { openPerson } from '../support/viewer-page.ts';

test('where it is wanted, a watermark lies over the picture, whose verified pixels stay as they are', async () => {
  await using medusa = await startMedusa({ environment: { MEDUSA_WATERMARK: 'on' } });
  await using orthanc = await startOrthanc({ aeTitle: 'MEDUSA', port: medusa.dicomPort });
  await orthanc.upload(ctFolder);
  await using browser = await launchBrowser(medusa.caFile);
  const person = await openPerson(browser, medusa);
  const { page } = person;
  await person.logIn('radiologist');
  await orthanc.push();
  await person.openFirstStudy();

  const watermark = page.getByTestId('watermark');
  await expect(watermark).toBeVisible();
  await expect(watermark).toHaveAttribute('data-text', /^\S.* · \d{4}-\d\d-\d\d \d\d:\d\d$/);
  const badge = page.getByTestId('picture-state');
  await expect(badge).toHaveAttribute('data-state', 'verified');
  await expect(badge).toHaveAccessibleName(/watermark/);

  // The screenshot has it, the still beneath has not, and is found right once more.
  const stage = page.locator('.stream-stage');
  const { width = 0, height = 0 } = (await stage.boundingBox()) ?? {};
  const whole = { x: 0, y: 0, width: Math.floor(width / 2) * 2, height: Math.floor(height / 2) * 2 };
  const [seen, beneath] = [await grabElement(stage, whole), await grabPicture(person.video, whole)];
  const brighter = seen.pixels.filter((value, index) => value > (beneath.pixels[index] ?? 0) + 8).length;
  expect(brighter).toBeGreaterThan(1_000);
  await badge.click();
  await expect(badge).toHaveAttribute('data-state', 'verified');
  await expect(badge).toHaveAttribute('data-mismatches', '0');
  await page.context().close();
});
