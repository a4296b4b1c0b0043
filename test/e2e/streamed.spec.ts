import { expect } from '@playwright/test';
import { auditEventSchema, type AuditAction } from '@medusa/protocol';
import { z } from 'zod';
import { ctFolder, test } from '../support/fixtures.ts';
import { expectNothingLeft, inventory } from '../support/leftovers.ts';
import { differenceOf, grabPicture, similarity } from '../support/picture.ts';
import { readReferenceSlice } from '../support/reference.ts';
import { expectReferencePicture, wholePicture } from '../support/reference-check.ts';
import { openPerson } from '../support/viewer-page.ts';
import { waitFor } from '../support/wait.ts';

test('a PACS sends, a radiologist opens it streamed, a doctor joins and takes control, all is closed and told', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  const radiologist = await openPerson(chromium, medusa);
  const atRest = inventory(medusa);
  await radiologist.logIn('radiologist');
  const row = radiologist.page.getByTestId('worklist-row').first();
  await expect(radiologist.page.getByTestId('worklist-empty')).toBeVisible();

  expect(await orthanc.push()).toBe(60);
  await expect(row).toBeVisible();
  await expect(row).toContainText('60');
  const studyInstanceUID = (await row.getAttribute('data-study-uid')) ?? '';

  await row.click();
  await radiologist.page.getByTestId('open-button').click();
  await radiologist.passDeviceCheck();
  await expect(radiologist.video).toBeVisible({ timeout: 60_000 });
  const first = await radiologist.viewThat(
    'the first slice',
    ({ ready, viewports }) => ready && viewports.length === 1,
  );
  expect(first.studyInstanceUID).toBe(studyInstanceUID);
  expect(first.viewports[0]?.sliceCount).toBe(60);
  // What the end of this test finds gone is there now.
  const inUse = inventory(medusa).filter((line) => !atRest.includes(line));
  expect(inUse).toContainEqual(expect.stringMatching(/^process .*Xvfb/));
  expect(inUse).toContainEqual(expect.stringMatching(/^process .*chromium/));
  expect(inUse).toContainEqual(expect.stringMatching(/^display X\d+/));

  await test.step('the wheel turns to the next slice, one a notch', async () => {
    const before = await grabPicture(radiologist.video, wholePicture(first));
    const point = await radiologist.pointOf(700, 400);
    await radiologist.page.mouse.move(point.x, point.y);
    for (let notch = 0; notch < 20; notch += 1) await radiologist.page.mouse.wheel(0, 100);
    await radiologist.viewThat('slice 21', ({ viewports }) => viewports[0]?.sliceIndex === 20);
    await waitFor('another picture', async () =>
      similarity(before, await grabPicture(radiologist.video, wholePicture(first))) < 0.9 ? true : undefined,
    );
  });

  await test.step('dragging changes the window', async () => {
    const before = await grabPicture(radiologist.video, wholePicture(first));
    const [from, to] = [await radiologist.pointOf(700, 400), await radiologist.pointOf(500, 400)];
    await radiologist.page.mouse.move(from.x, from.y);
    await radiologist.page.mouse.down();
    await radiologist.page.mouse.move(to.x, to.y, { steps: 8 });
    await radiologist.page.mouse.up();
    await radiologist.viewThat(
      'another window',
      ({ viewports }) => viewports[0]?.windowWidth !== first.viewports[0]?.windowWidth,
    );
    await waitFor('another picture', async () =>
      differenceOf(before, await grabPicture(radiologist.video, wholePicture(first))).mean > 5
        ? true
        : undefined,
    );
  });

  await test.step('the decoded frame is the slice', async () => {
    await radiologist.page.keyboard.press('1');
    const view = await radiologist.viewThat(
      'the soft tissue window',
      ({ viewports }) => viewports[0]?.windowWidth === 400,
    );
    const slice = readReferenceSlice(ctFolder, view.viewports[0]?.sopInstanceUID ?? '');
    await expectReferencePicture(radiologist.video, view, slice);
  });

  const link = await test.step('an invitation is made', async () => {
    await radiologist.openRoomPanel();
    await radiologist.page.getByTestId('invite-button').click();
    return (await radiologist.page.getByTestId('room-link').inputValue()).trim();
  });
  const doctor = await openPerson(chromium, medusa, new URL(link).pathname);
  await test.step('a second doctor joins by the link and sees the same', async () => {
    await doctor.logIn('doctor');
    await doctor.passDeviceCheck();
    await expect(doctor.video).toBeVisible({ timeout: 60_000 });
    const view = await doctor.viewThat('the same slice', ({ viewports }) => viewports[0]?.sliceIndex === 20);
    await waitFor('the same picture', async () => {
      const pictures = await Promise.all(
        [radiologist, doctor].map(async ({ video }) => grabPicture(video, wholePicture(view))),
      );
      return pictures[0] && pictures[1] && similarity(pictures[0], pictures[1]) > 0.97 ? true : undefined;
    });
    await expect(radiologist.page.getByTestId('roster')).toContainText('Dirk de Doctor');
  });

  await test.step('without control the doctor’s wheel does nothing; with it the radiologist sees it', async () => {
    const point = await doctor.pointOf(700, 400);
    await doctor.page.mouse.move(point.x, point.y);
    await doctor.page.mouse.wheel(0, 100);
    await doctor.page.getByTestId('request-floor').click();
    await radiologist.page.getByTestId('give-floor').click();
    await doctor.openRoomPanel();
    await expect(doctor.page.locator('[data-has-control="true"]')).toContainText('Dirk de Doctor');
    expect((await doctor.view())?.viewports[0]?.sliceIndex).toBe(20);

    await doctor.page.mouse.move(point.x, point.y);
    for (let notch = 0; notch < 5; notch += 1) await doctor.page.mouse.wheel(0, 100);
    const view = await radiologist.viewThat(
      'the doctor’s slice',
      ({ viewports }) => viewports[0]?.sliceIndex === 25,
    );
    const slice = readReferenceSlice(ctFolder, view.viewports[0]?.sopInstanceUID ?? '');
    await expectReferencePicture(radiologist.video, view, slice);
  });

  await test.step('both leave, nothing is left, the audit tells the story', async () => {
    await doctor.page.getByTestId('leave-button').click();
    await radiologist.page.getByTestId('leave-button').click();
    await expectNothingLeft(medusa, atRest);
    const answer = await medusa.getJson('/api/audit?limit=500', await medusa.tokenOf('admin'));
    const events = z.object({ events: z.array(auditEventSchema) }).parse(answer).events;
    const told = (action: AuditAction, objectId?: string): boolean =>
      events.some(
        (event) => event.action === action && (objectId === undefined || event.objectId === objectId),
      );
    expect(told('user.login')).toBe(true);
    expect(told('study.read', studyInstanceUID)).toBe(true);
    for (const action of [
      'session.opened',
      'room.joined',
      'invitation.created',
      'invitation.accepted',
      'room.floor-passed',
      'room.left',
      'session.closed',
    ] as const) {
      expect(told(action), action).toBe(true);
    }
  });
  await doctor.page.context().close();
  await radiologist.page.context().close();
});
