import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from '@playwright/test';
import type { ViewState } from '@medusa/protocol';
import { test } from '../support/fixtures.ts';
import {
  colourDifference,
  grabColours,
  grabStill,
  placeOfTile,
  readReferenceTile,
  upsideDown,
} from '../support/tile.ts';
import { openPerson, type Person } from '../support/viewer-page.ts';
import { waitFor } from '../support/wait.ts';

const folder = path.resolve(import.meta.dirname, '../data/wsi');
/** The largest level. */
const base = { file: path.join(folder, 'wsi-000000.dcm'), columns: 2220, rows: 2967, side: 240 };

/**
 * At a pixel a pixel nothing is blended, and what rests is streamed without loss. DCMTK and the browser have each a decoder of their own, which
 * may round the same cosine transform differently, and the browser alone applies the slide's colour profile, that of any screen: a level of 256
 * or two. With the decoders that Debian 12 has there is no difference at all.
 */
const mostDifference = { mean: 0.1, worst: 2 };
/** Another tile, or none yet, is further from it. */
const likeness = 10;

test('a whole slide comes by DICOM and is seen, tile by tile, in the user’s browser and streamed', async ({
  medusa,
  chromium,
}) => {
  const person = await openPerson(chromium, medusa);
  await person.logIn('radiologist');
  await expect(person.page.getByTestId('worklist-empty')).toBeVisible();
  const files = ['--scan-directories', '--scan-pattern', '*.dcm', folder];
  await promisify(execFile)('dcmsend', ['-aec', 'MEDUSA', '127.0.0.1', `${medusa.dicomPort}`, ...files]);
  const row = person.page.getByTestId('worklist-row').first();
  await expect(row).toContainText('SM');
  await expect(row).toContainText('1 / 5');
  await row.click();

  await test.step('in the user’s own browser', async () => {
    await person.openAs('slides', 'local');
    await person.passDeviceCheck();
    const frame = person.page.getByTestId('local-frame');
    const view = await showPixels(person);
    await expectTile(view, async (region) => grabColours(frame, region));
    await lookAround(person);
    await toggleOverview(person);
    await person.page.getByTestId('leave-button').click();
  });

  await test.step('where there is nothing to see, it says why', async () => {
    const [series, isOutOfOrder] = ['**/dicomweb/**/series?*', 'The archive answered with status 503'];
    await expectNotice(person, { url: '**/dicomweb/**/frames/*', notice: isOutOfOrder });
    await expectNotice(person, { url: series, notice: isOutOfOrder });
    await expectNotice(person, { url: series, answer: [], notice: 'This study has no slides' });
    const noImage = 'This series has no whole-slide image';
    await expectNotice(person, { url: '**/dicomweb/**/metadata', answer: [], notice: noImage });
  });

  await test.step('streamed, which is what the worklist offers first', async () => {
    await row.click();
    await person.page.getByTestId('open-button').click();
    await expect(person.video).toBeVisible({ timeout: 60_000 });
    const view = await showPixels(person);
    await expectTile(view, async (region) => grabStill(person.video, region));
    await lookAround(person);
    await person.page.getByTestId('leave-button').click();
  });
  await person.page.context().close();
});

async function showPixels(person: Person): Promise<ViewState> {
  const whole = await person.viewThat('the whole slide', ({ ready }) => ready);
  expect(whole.layout).toBe('slide');
  expect(whole.viewports[0]?.sliceCount).toBe(5);
  await person.page.keyboard.press('1');
  await person.viewThat('the largest level', ({ viewports }) => viewports[0]?.zoom === 1);
  return person.viewAtRest();
}

type Grab = (region: Parameters<typeof grabColours>[1]) => ReturnType<typeof grabStill>;

/** The tile that the view names is on the screen as the reference has it. */
async function expectTile(view: ViewState, grab: Grab): Promise<void> {
  const [viewport] = view.viewports;
  const image = viewport?.imageRectangle;
  if (!viewport || !image) throw new Error('The view shows no slide');
  expect(viewport.sliceIndex).toBe(4);
  // Image Orientation (Slide) of this one and the label on the right: upside down.
  expect(viewport.slide?.rotation).toBeCloseTo(Math.PI);
  const place = placeOfTile(base.file, viewport.frame);
  const region = {
    x: Math.round(image.x + base.columns - place.column - base.side),
    y: Math.round(image.y + base.rows - place.row - base.side),
    ...{ width: base.side, height: base.side },
  };
  const reference = upsideDown(readReferenceTile(base.file, viewport.frame));
  const shown = await waitFor('the tile', async () => {
    const grabbed = await grab(region);
    return grabbed && colourDifference(reference, grabbed).mean < likeness ? grabbed : undefined;
  });
  const { mean, worst } = colourDifference(reference, shown);
  expect(mean).toBeLessThanOrEqual(mostDifference.mean);
  expect(worst).toBeLessThanOrEqual(mostDifference.worst);
}

async function lookAround(person: Person): Promise<void> {
  const { page } = person;
  const centerOf = async (): Promise<number> => (await person.view())?.viewports[0]?.slide?.centerX ?? NaN;
  const before = await centerOf();
  await page.keyboard.press('ArrowLeft');
  // Upside down, what is further left on the screen is further right on the slide.
  await person.viewThat('another place', ({ viewports }) => (viewports[0]?.slide?.centerX ?? 0) > before);
  await page.keyboard.press('-');
  await person.viewThat('a smaller slide', ({ viewports }) => (viewports[0]?.zoom ?? 1) < 1);
  await page.keyboard.press('Shift+Equal');
  await page.keyboard.press('NumpadAdd');
  await person.viewThat('a larger slide', ({ viewports }) => (viewports[0]?.zoom ?? 0) > 1);
  await page.keyboard.press('0');
  const fitted = await person.viewThat('the whole slide', ({ viewports }) => (viewports[0]?.zoom ?? 1) < 0.5);
  const [viewport] = fitted.viewports;
  expect(viewport?.imageRectangle?.height).toBeLessThanOrEqual((viewport?.rectangle.height ?? 0) + 1);
}

/** When the archive answers so; without an answer it is out of order. */
async function expectNotice(
  person: Person,
  { url, notice, answer }: { url: string; notice: string; answer?: readonly [] },
): Promise<void> {
  const { page } = person;
  await page.route(url, async (route) =>
    answer ? route.fulfill({ json: answer }) : route.fulfill({ status: 503 }),
  );
  await page.getByTestId('worklist-row').first().click();
  await person.openAs('slides', 'local');
  const frame = page.frameLocator('[data-testid="local-frame"]');
  await expect(frame.getByRole('status')).toContainText(notice);
  await page.getByTestId('leave-button').click();
  await page.unroute(url);
}

async function toggleOverview({ page }: Person): Promise<void> {
  const overview = page.frameLocator('[data-testid="local-frame"]').locator('.ol-overviewmap');
  await expect(overview).toBeVisible();
  await page.keyboard.press('o');
  await expect(overview).toBeHidden();
  await page.keyboard.press('o');
  await expect(overview).toBeVisible();
}
