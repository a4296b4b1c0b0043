import { expect, type Page } from '@playwright/test';
import { test } from '../support/fixtures.ts';
import { openPerson, type Person } from '../support/viewer-page.ts';

test('a picture at rest is verified, one that moves is not, and a single wrong pixel is found out and mended', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  const person = await openPerson(chromium, medusa);
  const { page } = person;
  await person.logIn('radiologist');
  await orthanc.push();
  const first = await person.openFirstStudy();
  const badge = page.getByTestId('picture-state');
  const still = page.getByTestId('still-picture');

  await test.step('at rest it is verified, and lies pixel for pixel over the video', async () => {
    await expect(badge).toHaveAttribute('data-state', 'verified');
    await expect(badge).toHaveText('Verified');
    await expect(still).toBeVisible();
    expect(await isOwnSize(page)).toBe(true);
  });

  await test.step('the wheel makes the still go; the next slice gets its own', async () => {
    const before = await hashOfStill(page);
    const states = watchStates(page);
    const point = await person.pointOf(700, 400);
    await page.mouse.move(point.x, point.y);
    await page.mouse.wheel(0, 100);
    await person.viewThat(
      'the next slice',
      ({ viewports }) => viewports[0]?.sliceIndex === (first.viewports[0]?.sliceIndex ?? 0) + 1,
    );
    await expect.poll(async () => hashOfStill(page)).not.toBe(before);
    await expect(badge).toHaveAttribute('data-state', 'verified');
    expect(await states()).toContain('moving');
  });

  await test.step('a page that scales the picture says so', async () => {
    const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
    // Only who steers has the display follow the page: after a while. Until then, and for all others, it is scaled.
    await page.setViewportSize({ width: width - 300, height });
    await expect(badge).toContainText('scaled');
    await page.setViewportSize({ width, height });
    await expect(badge).toHaveText('Verified');
  });

  await test.step('a flipped bit of one pixel is found out when it is looked for, and the picture is sent anew', async () => {
    // The pointer that leaves the picture changes it.
    await badge.hover();
    await expect(badge).toHaveAttribute('data-state', 'verified');
    await expect(badge).toHaveAttribute('data-mismatches', '0');
    const truth = await hashOfStill(page);
    const states = watchStates(page);
    await page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('[data-testid="still-picture"]');
      const context = canvas?.getContext('2d');
      const image = context?.getImageData(333, 222, 1, 1);
      if (!context || !image) throw new Error('There is no still');
      image.data[1] = (image.data[1] ?? 0) ^ 1;
      context.putImageData(image, 333, 222);
    });
    expect(await hashOfStill(page)).not.toBe(truth);

    await badge.click();

    await expect(badge).toHaveAttribute('data-mismatches', '1');
    await expect(badge).toHaveAttribute('data-state', 'verified');
    expect(await states()).toContain('mismatch');
    expect(await hashOfStill(page)).toBe(truth);
  });

  await test.step('an image that is marked, and one that is measured on, keep how true their pixels were', async () => {
    await page.getByTestId('stream-keyboard').focus();
    await expect(badge).toHaveAttribute('data-state', 'verified');
    await page.keyboard.press('Control+Alt+KeyK');
    await page.getByTestId('key-images-button').click();
    const marked = page.getByTestId('key-image');
    await expect(marked).toHaveCount(1);
    await expect(marked).toHaveAttribute('data-state', 'verified');

    await page.getByTestId('key-images-button').click();
    await drawLength(person);
    await page.getByTestId('key-images-button').click();
    await expect(marked).toHaveCount(2);
    await expect(marked.first()).toHaveAttribute('data-kind', 'measurement');
    await expect(marked.first()).toContainText('mm');
    await page.screenshot({ path: test.info().outputPath('key-images.png') });
  });
  await page.getByTestId('leave-button').click();
  await page.context().close();
});

async function drawLength(person: Person): Promise<void> {
  const { page } = person;
  await page.getByTestId('stream-keyboard').focus();
  await page.keyboard.press('l');
  const [from, to] = [await person.pointOf(500, 300), await person.pointOf(700, 420)];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 5 });
  await page.mouse.up();
  await person.viewThat('a length', ({ measurements }) => measurements.length === 1);
}

async function hashOfStill(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const canvas = document.querySelector<HTMLCanvasElement>('[data-testid="still-picture"]');
    const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
    if (!data) throw new Error('There is no still');
    return new Uint8Array(await crypto.subtle.digest('SHA-256', data)).join();
  });
}

/** Whether a pixel of the still is one of the screen, at a whole place. */
async function isOwnSize(page: Page): Promise<boolean> {
  return page.getByTestId('still-picture').evaluate((canvas: HTMLCanvasElement) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const isWhole = [left, top].every((px) => Number.isInteger(px * devicePixelRatio));
    return (
      isWhole && width * devicePixelRatio === canvas.width && height * devicePixelRatio === canvas.height
    );
  });
}

/** From now on; answers those that came up to when it is called. */
function watchStates(page: Page): () => Promise<string[]> {
  const watching = page.evaluate(() => {
    const badge = document.querySelector('[data-testid="picture-state"]');
    if (!badge) throw new Error('There is no badge');
    const states: string[] = [];
    new MutationObserver(() => states.push(badge.getAttribute('data-state') ?? '')).observe(badge, {
      attributeFilter: ['data-state'],
    });
    Object.assign(globalThis, { seenStates: states });
  });
  return async () => {
    await watching;
    return page.evaluate(() => (globalThis as unknown as { seenStates: string[] }).seenStates);
  };
}
