import { expect, test } from '@playwright/test';
import { auditEventSchema, recordingListSchema, type RecordingView } from '@medusa/protocol';
import { z } from 'zod';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { startMedusa } from '../support/medusa.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { grabPicture, similarity } from '../support/picture.ts';
import { wholePicture } from '../support/reference-check.ts';
import { openPerson } from '../support/viewer-page.ts';
import { waitFor } from '../support/wait.ts';

const leastSeconds = 5;

test('a session is recorded when all have agreed; who comes later agrees first; the film shows what they saw', async () => {
  const environment = { MEDUSA_RECORDING: '{"radiologist":"in-control"}' };
  await using medusa = await startMedusa({ environment });
  await using orthanc = await startOrthanc({ aeTitle: 'MEDUSA', port: medusa.dicomPort });
  await orthanc.upload(ctFolder);
  await using browser = await launchBrowser(medusa.caFile);
  const radiologist = await openPerson(browser, medusa);
  await radiologist.logIn('radiologist');
  await orthanc.push();
  await radiologist.openFirstStudy();
  await radiologist.openRoomPanel();
  await radiologist.page.getByTestId('invite-button').click();
  const link = new URL((await radiologist.page.getByTestId('room-link').inputValue()).trim()).pathname;
  await radiologist.page.getByTestId('room-toggle').click();
  const enter = async (): Promise<typeof radiologist> => {
    const person = await openPerson(browser, medusa, link);
    await person.logIn('doctor');
    await person.passDeviceCheck();
    return person;
  };
  const doctor = await enter();
  await expect(doctor.video).toBeVisible({ timeout: 60_000 });

  await test.step('who may not record has no button; who may asks, and nothing begins before the answer', async () => {
    await expect(doctor.page.getByTestId('record-button')).toHaveCount(0);
    await radiologist.page.getByTestId('record-button').click();
    await expect(doctor.page.getByTestId('agree-recording')).toBeVisible();
    await expect(radiologist.page.getByTestId('recording-request')).toContainText('Dirk de Doctor');
    await expect(radiologist.page.getByTestId('recording-badge')).toHaveCount(0);
    await doctor.page.getByTestId('agree-recording').click();
    for (const { page } of [radiologist, doctor]) {
      await expect(page.getByTestId('recording-badge')).toBeVisible();
      await expect(page.getByTestId('recording-request')).toHaveCount(0);
    }
  });

  await test.step('who comes later sees no picture before they agree', async () => {
    const later = await enter();
    await expect(later.page.getByTestId('recording-gate')).toBeVisible();
    await expect(later.video).toHaveCount(0);
    await later.page.getByTestId('agree-recording').click();
    await expect(later.video).toBeVisible();
    await later.viewThat('the picture', ({ ready }) => ready);
    await expect(later.page.getByTestId('recording-badge')).toBeVisible();
    await later.page.getByTestId('leave-button').click();
    await later.page.context().close();
  });

  await test.step('the radiologist works, also in another size of window', async () => {
    const point = await radiologist.pointOf(700, 400);
    await radiologist.page.mouse.move(point.x, point.y);
    for (let notch = 0; notch < 10; notch += 1) await radiologist.page.mouse.wheel(0, 100);
    await radiologist.viewThat('slice 11', ({ viewports }) => viewports[0]?.sliceIndex === 10);
    await radiologist.openRoomPanel();
    await radiologist.viewThat(
      'a smaller page',
      ({ resumption }) => (resumption?.page.widthPx ?? 1_440) < 1_200,
    );
    await expect(radiologist.page.getByTestId('picture-state')).toHaveAttribute('data-state', 'verified');
    await waitFor('some seconds', async () => {
      const [, seconds = '0'] = (await doctor.page.getByTestId('recording-clock').innerText()).split(':');
      return Number(seconds) >= leastSeconds ? true : undefined;
    });
  });

  const whole = wholePicture(await radiologist.viewAtRest());
  const seen = await grabPicture(radiologist.video, whole);
  await test.step('anybody ends it, and all are told by whom', async () => {
    await doctor.page.getByTestId('stop-recording').click();
    for (const { page } of [radiologist, doctor])
      await expect(page.getByTestId('recording-badge')).toHaveCount(0);
    await expect(radiologist.page.getByText('Dirk de Doctor ended the recording')).toBeVisible();
  });

  const recordingOf = async (user: 'radiologist' | 'doctor'): Promise<RecordingView | undefined> => {
    const told = await medusa.getJson('/api/recordings', await medusa.tokenOf(user));
    return recordingListSchema.parse(told).recordings[0];
  };
  await test.step('the film is played, and ends with what was seen', async () => {
    const kept = await waitFor('the film', async () => {
      const one = await recordingOf('radiologist');
      return one?.state === 'kept' ? one : undefined;
    });
    // The first, a slice, a size: a busy machine leaves out what is in between.
    expect(kept.pictures).toBeGreaterThanOrEqual(3);
    expect(kept.people.map(({ name }) => name)).toHaveLength(2);
    expect((await recordingOf('doctor'))?.may.fetch).toBe(false);
    const { page } = radiologist;
    await page.getByTestId('leave-button').click();
    await page.goto(`${medusa.url}/recordings`);
    await page.getByTestId('play-recording').click();
    const film = page.getByTestId('film');
    await expect(film).toBeVisible();
    const duration = await waitFor('its length', async () =>
      film.evaluate((video: HTMLVideoElement) => (video.duration > 0 ? video.duration : undefined)),
    );
    expect(Math.abs(duration * 1_000 - kept.durationMs)).toBeLessThan(50);
    expect(duration).toBeGreaterThanOrEqual(leastSeconds);
    await film.evaluate(async (video: HTMLVideoElement) => {
      const sought = new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
      video.currentTime = video.duration - 0.05;
      video.pause();
      await sought;
    });
    await waitFor('the last picture', async () =>
      similarity(seen, await grabPicture(film, whole)) > 0.97 ? true : undefined,
    );
  });

  await test.step('it is deleted, and the trail tells all of it', async () => {
    const { page } = radiologist;
    await page.keyboard.press('Escape');
    await page.getByTestId('delete-recording').click();
    await page.getByTestId('delete-recording-really').click();
    await expect(page.getByTestId('recording')).toHaveAttribute('data-state', 'deleted');
    const answer = await medusa.getJson('/api/audit?limit=500', await medusa.tokenOf('admin'));
    const { events } = z.object({ events: z.array(auditEventSchema) }).parse(answer);
    const steps = events.map(({ action }) => action).filter((action) => action.startsWith('recording.'));
    expect(steps.reverse()).toEqual([
      ...['recording.asked', 'recording.agreed', 'recording.started', 'recording.agreed'],
      ...['recording.stopped', 'recording.fetched', 'recording.deleted'],
    ]);
  });
  await doctor.page.context().close();
  await radiologist.page.context().close();
});
