import { expect, type Locator } from '@playwright/test';
import { test } from '../support/fixtures.ts';
import { enterPerson, type Person } from '../support/viewer-page.ts';
import { waitFor } from '../support/wait.ts';

type Look = {
  readonly width: number;
  readonly height: number;
  readonly isCovered: boolean;
  readonly ends: number;
};
type Watching = { medusaLooks?: Look[] };

/** The workstation's toolbar (#14171b) reaches to the right end of its page: what X shows there before is black. */
const blackLuma = 12;

/** How wide the workstation's list of series is on a screen of one pixel per px. */
const railPx = 148;

/** Chromium divides by an emulated scale factor what it would not divide by a real one. */
const notchPx = 200;

/** From now on notes at each frame of this page what of the picture may be seen. */
async function watchPicture(video: Locator): Promise<void> {
  await video.evaluate((element: HTMLVideoElement) => {
    const looks: Look[] = [];
    (globalThis as Watching).medusaLooks = looks;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [1, 1];
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const cover = document.querySelector<HTMLElement>('[data-testid="stream-cover"]');
    const look = (): void => {
      const { videoWidth: width, videoHeight: height } = element;
      context?.drawImage(element, width - 24, 12, 1, 1, 0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0] = context?.getImageData(0, 0, 1, 1).data ?? [];
      looks.push({ width, height, isCovered: cover?.hidden === false, ends: Math.max(red, green, blue) });
      requestAnimationFrame(look);
    };
    look();
  });
}

const sizeOf = async (person: Person): Promise<readonly [number, number]> =>
  person.video.evaluate(
    ({ videoWidth, videoHeight }: HTMLVideoElement) => [videoWidth, videoHeight] as const,
  );

const stageOf = async (person: Person): Promise<readonly [number, number]> =>
  person.page.locator('.stream-stage').evaluate(({ clientWidth, clientHeight }) => {
    const even = (px: number): number => Math.floor(px / 2) * 2;
    return [even(clientWidth * devicePixelRatio), even(clientHeight * devicePixelRatio)] as const;
  });

test('a screen of twice the pixels is used, and no change of size shows half a picture', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  const context = await chromium.newContext({
    viewport: { width: 1_100, height: 700 },
    deviceScaleFactor: 2,
  });
  context.setDefaultTimeout(30_000);
  const person = await enterPerson(await context.newPage(), medusa);
  await person.logIn('radiologist');
  await orthanc.push();
  await person.openFirstStudy();

  const page =
    await test.step('the display has the px of the device, and the page is drawn twice as large', async () => {
      const [width, height] = await stageOf(person);
      await expect.poll(async () => sizeOf(person)).toEqual([width, height]);
      const view = await person.viewThat(
        'a page of that size with a larger interface',
        ({ resumption, viewports }) =>
          resumption?.page.widthPx === width &&
          viewports[0]?.rectangle.x === 2 * railPx &&
          viewports[0].rectangle.y >= 2 * 44,
      );
      // Pictures themselves are not enlarged: the slice has the px of the display.
      expect(view.viewports[0]?.imageRectangle?.height).toBeCloseTo(
        view.viewports[0]?.rectangle.height ?? 0,
        -1,
      );
      return { width, height };
    });

  await test.step('a click meets what lies under it', async () => {
    // The list of series is as wide as it would be on a screen of half the pixels.
    const inside = await person.pointOf(2 * railPx + 40, page.height / 2);
    await person.page.mouse.move(inside.x, inside.y);
    await person.page.mouse.wheel(0, notchPx);
    await person.viewThat('the second slice', ({ viewports }) => viewports[0]?.sliceIndex === 1);
    const beside = await person.pointOf(2 * railPx - 20, page.height / 2);
    await person.page.mouse.move(beside.x, beside.y);
    await person.page.mouse.wheel(0, notchPx);
    await person.page.mouse.move(inside.x, inside.y);
    await person.page.mouse.wheel(0, notchPx);
    await person.viewThat('the third slice', ({ viewports }) => viewports[0]?.sliceIndex === 2);
  });

  await test.step('smaller and larger again: the last picture stays until a whole one comes', async () => {
    await watchPicture(person.video);
    for (const viewport of [
      { width: 900, height: 620 },
      { width: 1_100, height: 640 },
    ]) {
      await person.page.setViewportSize(viewport);
      const size = await stageOf(person);
      await expect.poll(async () => sizeOf(person)).toEqual(size);
      await person.viewThat('the page', ({ resumption }) => resumption?.page.widthPx === size[0]);
      await expect(person.page.getByTestId('stream-cover')).toBeHidden();
    }
    const looks = await person.page.evaluate(() => (globalThis as Watching).medusaLooks ?? []);
    const seen = looks.filter(({ isCovered }) => !isCovered);
    expect(looks.length).toBeGreaterThan(seen.length);
    expect([...new Set(seen.map(({ width, height }) => `${width}x${height}`))]).toEqual(
      expect.arrayContaining(['2200x1312', '1800x1152', '2200x1192']),
    );
    expect(new Set(seen.map(({ width, height }) => `${width}x${height}`)).size).toBe(3);
    expect(Math.min(...seen.map(({ ends }) => ends))).toBeGreaterThan(blackLuma);
  });

  await test.step('economical: the px of the page, which this device remembers', async () => {
    await person.page.getByTestId('sharpness-toggle').click();
    await expect.poll(async () => sizeOf(person)).toEqual([1_100, 596]);
    const view = await person.viewThat('a page as it is', ({ resumption, viewports }) => {
      return resumption?.page.widthPx === 1_100 && viewports[0]?.rectangle.x === railPx;
    });
    expect(view.ready).toBe(true);
    expect(await person.page.evaluate(() => localStorage.getItem('medusa.sharpness'))).toBe('economical');
  });

  await person.page.getByTestId('leave-button').click();
  await waitFor('the worklist', async () =>
    (await person.page.getByTestId('worklist-row').count()) > 0 ? true : undefined,
  );
  await context.close();
});
