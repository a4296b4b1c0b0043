import { expect } from '@playwright/test';
import { test } from '../support/fixtures.ts';
import { expectNothingLeft, inventory } from '../support/leftovers.ts';
import { grabPicture, similarity } from '../support/picture.ts';
import { openPerson } from '../support/viewer-page.ts';
import { waitFor } from '../support/wait.ts';

test('a legacy X11 viewer opens the study and its picture follows the input', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  const person = await openPerson(chromium, medusa);
  const atRest = inventory(medusa);
  await person.logIn('radiologist');
  await orthanc.push();
  await person.page.getByTestId('worklist-row').first().click();
  await person.openAs('aeskulap', 'streamed');
  await person.passDeviceCheck();
  await expect(person.video).toBeVisible({ timeout: 60_000 });

  const size = await waitFor('the first frame', async () =>
    person.video.evaluate(({ videoWidth: width, videoHeight: height }: HTMLVideoElement) =>
      width > 0 ? { width, height } : undefined,
    ),
  );
  const whole = { x: 0, y: 0, ...size };
  await waitFor('a picture with an image in it', async () => {
    const { pixels } = await grabPicture(person.video, whole);
    return new Set(pixels).size > 64 ? true : undefined;
  });
  const before = await grabPicture(person.video, whole);
  const [from, to] = [
    await person.pointOf(size.width / 2, size.height / 2),
    await person.pointOf(size.width / 2 + 120, size.height / 2 + 90),
  ];
  // Aeskulap: the right button changes the window.
  await person.page.mouse.move(from.x, from.y);
  await person.page.mouse.down({ button: 'right' });
  await person.page.mouse.move(to.x, to.y, { steps: 10 });
  await person.page.mouse.up({ button: 'right' });
  await waitFor('another picture', async () =>
    similarity(before, await grabPicture(person.video, whole)) < 0.98 ? true : undefined,
  );

  await person.page.getByTestId('leave-button').click();
  await expectNothingLeft(medusa, atRest);
  await person.page.context().close();
});
