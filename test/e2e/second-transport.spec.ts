import { expect, type Page } from '@playwright/test';
import { differenceOf, grabPicture } from '../support/picture.ts';
import { test } from '../support/fixtures.ts';
import { enterPerson, type Person } from '../support/viewer-page.ts';

const turnsOfTheWheel = 5;

test('a browser that cannot receive the picture as WebRTC video gets it all the same, and it follows the wheel', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  const context = await chromium.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  await page.addInitScript(withoutWebRtcVideo);
  const person = await enterPerson(page, medusa);
  const transport = page.getByTestId('transport-value');
  await person.logIn('radiologist');
  await orthanc.push();

  await test.step('the page decodes, and nobody has to do anything', async () => {
    await person.openFirstStudy();
    await expect(transport).toHaveAttribute('data-transport', 'webcodecs');
    await scroll(person, 0);
    await expect(page.getByTestId('picture-state')).toHaveAttribute('data-state', 'verified');
  });

  await test.step('where pages may not decode the picture is played as a film', async () => {
    await page.addInitScript(() => void Reflect.deleteProperty(globalThis, 'VideoDecoder'));
    await page.reload();
    await expect(transport).toHaveAttribute('data-transport', 'mse');
    await scroll(person, turnsOfTheWheel);
    await expect(page.getByTestId('picture-state')).toHaveAttribute('data-state', 'verified');
  });

  await page.getByTestId('leave-button').click();
  await context.close();
});

/** Inputs get there, and pictures of what they did come back. */
async function scroll(person: Person, from: number): Promise<void> {
  const { page, video } = person;
  const point = await person.pointOf(640, 400);
  const middle = { x: 400, y: 200, width: 400, height: 400 };
  await page.mouse.move(point.x, point.y);
  const [before, samplesBefore] = [await grabPicture(video, middle), await samplesOf(page)];
  for (let turn = 0; turn < turnsOfTheWheel; turn += 1) await page.mouse.wheel(0, 100);
  await person.viewThat(
    'the slice scrolled to',
    ({ viewports }) => viewports[0]?.sliceIndex === from + turnsOfTheWheel,
  );
  await expect.poll(async () => samplesOf(page)).toBeGreaterThan(samplesBefore);
  await expect
    .poll(async () => differenceOf(before, await grabPicture(video, middle)).mean)
    .toBeGreaterThan(1);
}

async function samplesOf(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      (globalThis as unknown as { medusaViewer: { latencySamples: unknown[] } }).medusaViewer.latencySamples
        .length,
  );
}

/** As a browser whose WebRTC has no H.264: it says so, and its connections offer none. */
function withoutWebRtcVideo(): void {
  const capabilities = RTCRtpReceiver.getCapabilities.bind(RTCRtpReceiver);
  RTCRtpReceiver.getCapabilities = (kind) => {
    const all = capabilities(kind);
    return all && { ...all, codecs: all.codecs.filter(({ mimeType }) => !/h264/i.test(mimeType)) };
  };
}
