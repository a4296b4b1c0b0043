import { expect } from '@playwright/test';
import { test } from '../support/fixtures.ts';
import { expectNothingLeft, inventory } from '../support/leftovers.ts';
import { openPerson } from '../support/viewer-page.ts';
import { waitFor } from '../support/wait.ts';

test('the broker is killed in mid-session: the picture goes on, the session is adopted, control works again', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  const person = await openPerson(chromium, medusa);
  const atRest = inventory(medusa);
  await person.logIn('radiologist');
  await orthanc.push();
  await person.openFirstStudy();
  const point = await person.pointOf(700, 400);
  await person.page.mouse.move(point.x, point.y);
  const framesShown = async (): Promise<number> =>
    person.video.evaluate((video: HTMLVideoElement) => video.getVideoPlaybackQuality().totalVideoFrames);

  const broker = medusa.findProcess('broker/main.ts');
  const renderer = medusa.findProcess('renderer/main.ts');
  if (!broker || !renderer) throw new Error('no broker or no render node');
  process.kill(broker.pid, 'SIGKILL');

  await expect(person.page.getByTestId('broker-offline')).toBeVisible();
  // Input and picture travel between browser and render node alone.
  const before = await framesShown();
  for (let notch = 0; notch < 10; notch += 1) await person.page.mouse.wheel(0, 100);
  await person.viewThat('slice 11 without a broker', ({ viewports }) => viewports[0]?.sliceIndex === 10);
  expect(await framesShown()).toBeGreaterThan(before);

  const successor = await waitFor('the broker to be started again', () => {
    const found = medusa.findProcess('broker/main.ts');
    return found && found.pid !== broker.pid ? found : undefined;
  });
  expect(successor.pid).not.toBe(broker.pid);
  await expect(person.page.getByTestId('broker-offline')).toBeHidden({ timeout: 60_000 });
  await expect(person.page.getByTestId('node-link-down')).toBeHidden({ timeout: 60_000 });
  expect(medusa.findProcess('renderer/main.ts')?.pid).toBe(renderer.pid);

  // The floor is the broker's to give: passing it to oneself proves that the room lives.
  for (let notch = 0; notch < 5; notch += 1) await person.page.mouse.wheel(0, 100);
  await person.viewThat('slice 16', ({ viewports }) => viewports[0]?.sliceIndex === 15);
  await person.openRoomPanel();
  await person.page.getByTestId('chat-input').fill('still here');
  await person.page.keyboard.press('Enter');
  await expect(person.page.getByTestId('chat-log')).toContainText('still here');

  await person.page.getByTestId('leave-button').click();
  await expectNothingLeft(medusa, atRest);
  await person.page.context().close();
});
