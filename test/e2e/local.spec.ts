import { expect } from '@playwright/test';
import { ctFolder, test } from '../support/fixtures.ts';
import { differenceOf, grabElement } from '../support/picture.ts';
import { readReferenceSlice } from '../support/reference.ts';
import { expectReferencePicture, referencePicture, wholePicture } from '../support/reference-check.ts';
import { openPerson } from '../support/viewer-page.ts';

test('in the user’s own browser the same slice is the same picture', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  const person = await openPerson(chromium, medusa);
  await person.logIn('radiologist');
  await orthanc.push();
  await person.page.getByTestId('worklist-row').first().click();
  await person.openAs('workstation', 'local');
  await person.passDeviceCheck();

  const frame = person.page.getByTestId('local-frame');
  await expect(frame).toBeVisible({ timeout: 60_000 });
  const first = await person.viewThat('the first slice', ({ ready }) => ready);
  await frame.hover();
  for (let notch = 0; notch < 20; notch += 1) await person.page.mouse.wheel(0, 100);
  await person.viewThat('slice 21', ({ viewports }) => viewports[0]?.sliceIndex === 20);
  await person.page.keyboard.press('1');
  const view = await person.viewThat(
    'the soft tissue window',
    ({ viewports }) => viewports[0]?.windowWidth === 400,
  );

  const slice = readReferenceSlice(ctFolder, view.viewports[0]?.sopInstanceUID ?? '');
  await expectReferencePicture(frame, view, slice);
  const region = wholePicture(view);
  const reference = referencePicture(view, slice);
  expect(differenceOf(reference, await grabElement(frame, region)).mean).toBeLessThan(3);
  expect(first.studyInstanceUID).toBe(view.studyInstanceUID);
  await person.page.getByTestId('leave-button').click();
  await person.page.context().close();
});
