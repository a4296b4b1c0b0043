import { expect, type Locator, type Page } from '@playwright/test';
import { test } from '../support/fixtures.ts';
import { grabPicture, similarity } from '../support/picture.ts';
import { openPerson, type Person } from '../support/viewer-page.ts';
import { waitFor } from '../support/wait.ts';

type Look = { readonly width: number; readonly ends: number };
type Watching = { medusaLooks?: Look[] };

/** The workstation's toolbar (#14171b) reaches to the right end of its page: what X shows there before is black. */
const blackLuma = 12;
const firstWidth = 1_440;
const secondSize = { width: 1_000, height: 800 };
const even = (px: number): number => Math.floor(px / 2) * 2;

const sizeOf = async (video: Locator): Promise<readonly [number, number]> =>
  video.evaluate(({ videoWidth, videoHeight }: HTMLVideoElement) => [videoWidth, videoHeight] as const);

/** From now on notes at each frame what may be seen at the right end of the picture. */
async function watchPicture(video: Locator): Promise<void> {
  await video.evaluate((element: HTMLVideoElement) => {
    const looks: Look[] = [];
    (globalThis as Watching).medusaLooks = looks;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [1, 1];
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const cover = document.querySelector<HTMLElement>('[data-testid="stream-cover"]');
    const look = (): void => {
      const { videoWidth: width } = element;
      context?.drawImage(element, width - 24, 12, 1, 1, 0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0] = context?.getImageData(0, 0, 1, 1).data ?? [];
      if (cover?.hidden !== false) looks.push({ width, ends: Math.max(red, green, blue) });
      requestAnimationFrame(look);
    };
    look();
  });
}

async function openSecond(person: Person): Promise<Page> {
  const opening = person.page.context().waitForEvent('page');
  await person.page.getByTestId('second-screen-button').click();
  const second = await opening;
  await expect(second.getByTestId('second-stage')).toHaveAttribute('data-shown', 'true');
  return second;
}

test('a second window shows a further screen of the session, with the same hand on it', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  const person = await openPerson(chromium, medusa);
  await person.logIn('radiologist');
  await orthanc.push();
  await person.openFirstStudy();
  const [, height] = await sizeOf(person.video);
  await watchPicture(person.video);

  const second = await openSecond(person);
  const seam = firstWidth;
  await test.step('the display is as wide as both, and the series stands on each', async () => {
    await second.setViewportSize(secondSize);
    const size = [seam + secondSize.width, even(Math.min(height, secondSize.height))];
    await expect.poll(async () => sizeOf(person.video)).toEqual(size);
    const view = await person.viewThat(
      'a viewport on each screen',
      ({ viewports }) => viewports.length === 2 && viewports[1]?.rectangle.width === secondSize.width,
    );
    const [first, other] = view.viewports;
    expect((first?.rectangle.x ?? 0) + (first?.rectangle.width ?? 0)).toBeLessThanOrEqual(seam);
    expect(other?.rectangle.x).toBeGreaterThanOrEqual(seam);
    await expect(person.page.getByTestId('picture-state')).toHaveAttribute('data-state', 'verified');
    await expect(second.getByTestId('second-still')).toHaveAttribute('data-shown', 'true');
  });

  await test.step('the wheel turns what lies under it, in either window', async () => {
    await second.mouse.move(secondSize.width / 2, secondSize.height / 2);
    for (let notch = 0; notch < 5; notch += 1) await second.mouse.wheel(0, 100);
    const beside = await person.viewThat(
      'the sixth slice there',
      ({ viewports }) => viewports[1]?.sliceIndex === 5,
    );
    expect(beside.viewports[0]?.sliceIndex).toBe(0);
    await person.page.mouse.move(700, 500);
    for (let notch = 0; notch < 5; notch += 1) await person.page.mouse.wheel(0, 100);
    const both = await person.viewThat(
      'the same slice here',
      ({ viewports }) => viewports[0]?.sliceIndex === 5,
    );
    expect(both.viewports[1]?.sliceIndex).toBe(5);
  });

  await test.step('what the second window shows is its part of the picture', async () => {
    const part = { x: seam + 100, y: 200, width: 600, height: 400 };
    await waitFor('the same pixels', async () => {
      const beneath = await grabPicture(person.video, part);
      const seen = await grabPicture(second.getByTestId('second-still'), { ...part, x: 100 });
      return new Set(seen.pixels).size > 64 && similarity(beneath, seen) > 0.97 ? true : undefined;
    });
  });

  await test.step('the page is loaded again, and the window goes on', async () => {
    await person.page.reload();
    await expect(person.video).toBeVisible({ timeout: 60_000 });
    await expect(second.getByTestId('second-stage')).toHaveAttribute('data-shown', 'true');
    await person.viewThat('both', ({ viewports }) => viewports.length === 2);
    expect(person.page.context().pages()).toHaveLength(2);
    await watchPicture(person.video);
  });

  await test.step('closing it gives the width back, and nobody saw a screen half black', async () => {
    await second.close();
    await expect.poll(async () => sizeOf(person.video)).toEqual([seam, height]);
    await person.viewThat('one viewport', ({ viewports }) => viewports.length === 1);
    const looks = await person.page.evaluate(() => (globalThis as Watching).medusaLooks ?? []);
    expect(new Set(looks.map(({ width }) => width))).toEqual(new Set([seam + secondSize.width, seam]));
    expect(Math.min(...looks.map(({ ends }) => ends))).toBeGreaterThan(blackLuma);
  });

  await test.step('a legacy application has all of the width', async () => {
    await person.page.getByTestId('leave-button').click();
    await person.page.getByTestId('worklist-row').first().click();
    await person.openAs('aeskulap', 'streamed');
    await expect(person.video).toBeVisible({ timeout: 60_000 });
    const other = await openSecond(person);
    await other.setViewportSize(secondSize);
    await expect.poll(async () => (await sizeOf(person.video))[0]).toBe(seam + secondSize.width);
    await waitFor('its window on the second screen', async () => {
      const { pixels } = await grabPicture(person.video, { x: seam + 800, y: 4, width: 190, height: 40 });
      return Math.max(...pixels) > 100 ? true : undefined;
    });
    await person.page.getByTestId('leave-button').click();
    await expect.poll(() => other.isClosed()).toBe(true);
  });
  await person.page.context().close();
});
