import { expect, test } from '@playwright/test';
import { openAdministrator } from '../support/admin-page.ts';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { startMedusa } from '../support/medusa.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { grabPicture, similarity } from '../support/picture.ts';
import { openPerson, type Person } from '../support/viewer-page.ts';
import { waitFor } from '../support/wait.ts';

const clipboardOf = async ({ page }: Person): Promise<string> =>
  page.evaluate(async () => navigator.clipboard.readText());
const putOnClipboard = async ({ page }: Person, text: string): Promise<void> =>
  page.evaluate(async (given) => navigator.clipboard.writeText(given), text);

const told = '/größer als 7 mm 日本';

/** The picture after `act`, once it is another one and does not change any more. */
async function changedBy(person: Person, act: () => Promise<void>): Promise<void> {
  const size = await waitFor('a picture', async () => {
    const found = await person.video.evaluate(({ videoWidth, videoHeight }: HTMLVideoElement) => ({
      width: videoWidth,
      height: videoHeight,
    }));
    return found.width > 0 ? found : undefined;
  });
  const whole = { x: 0, y: 0, ...size };
  const before = await grabPicture(person.video, whole);
  await act();
  await waitFor('another picture', async () =>
    similarity(before, await grabPicture(person.video, whole)) < 0.9999 ? true : undefined,
  );
  await expect(person.page.getByTestId('picture-state')).toHaveAttribute('data-state', 'verified');
}

test('text passes between a session and its user’s clipboard as the role may, and is in the audit trail', async () => {
  await using medusa = await startMedusa({
    environment: { MEDUSA_TRANSFERS: '{"radiologist":["copy","paste"]}' },
  });
  await using orthanc = await startOrthanc({ aeTitle: 'MEDUSA', port: medusa.dicomPort });
  await orthanc.upload(ctFolder);
  await using browser = await launchBrowser(medusa.caFile);
  const radiologist = await openPerson(browser, medusa);
  const { page } = radiologist;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await radiologist.logIn('radiologist');
  await orthanc.push();
  await page.getByTestId('worklist-row').first().click();
  await radiologist.openAs('aeskulap', 'streamed');
  await radiologist.passDeviceCheck();
  await expect(page.getByTestId('picture-state')).toHaveAttribute('data-state', 'verified', {
    timeout: 60_000,
  });

  await test.step('what the user has is pasted, what the program has is copied', async () => {
    await page.getByTestId('stream-keyboard').focus();
    // A dialog of Aeskulap with a line to write in.
    await changedBy(radiologist, async () => page.keyboard.press('Control+o'));
    await changedBy(radiologist, async () => page.keyboard.press('/'));
    await putOnClipboard(radiologist, told);
    await changedBy(radiologist, async () => {
      await page.keyboard.press('Control+a');
      await page.keyboard.press('Control+v');
    });
    await changedBy(radiologist, async () => page.keyboard.type('!'));
    await putOnClipboard(radiologist, 'of this computer');
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Control+c');
    await expect.poll(async () => clipboardOf(radiologist)).toBe(`${told}!`);
  });

  await test.step('what an input method composes is written once, and whole', async () => {
    const cdp = await page.context().newCDPSession(page);
    await page.keyboard.press('Control+a');
    for (const text of ['/に', '/にほ', '/日本'])
      await cdp.send('Input.imeSetComposition', {
        text,
        selectionStart: text.length,
        selectionEnd: text.length,
      });
    await changedBy(radiologist, async () => {
      await cdp.send('Input.insertText', { text: '/日本語' });
    });
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Control+c');
    await expect.poll(async () => clipboardOf(radiologist)).toBe('/日本語');
  });

  await test.step('files do not pass', async () => {
    await page.locator('.stream-stage').dispatchEvent('drop');
    await expect(page.locator('[data-news="files-denied"]')).toBeVisible();
  });

  await test.step('another role in the same session may not, and is told so', async () => {
    await radiologist.openRoomPanel();
    await page.getByTestId('invite-button').click();
    const link = await page.getByTestId('room-link').inputValue();
    const doctor = await openPerson(browser, medusa, new URL(link).pathname);
    await doctor.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await doctor.logIn('doctor');
    await doctor.passDeviceCheck();
    await expect(doctor.video).toBeVisible({ timeout: 60_000 });
    await putOnClipboard(doctor, 'what the doctor has');
    await doctor.page.getByTestId('request-floor').click();
    await page.getByTestId('give-floor').click();
    await expect(doctor.video).toHaveAttribute('data-control', 'true');
    await doctor.page.getByTestId('stream-keyboard').focus();
    await doctor.page.keyboard.press('Control+v');
    await expect(doctor.page.locator('[data-news="paste-denied"]')).toBeVisible();
    await doctor.page.keyboard.press('Control+a');
    await doctor.page.keyboard.press('Control+c');
    await expect(doctor.page.locator('[data-news="copy-denied"]')).toBeVisible();
    expect(await clipboardOf(doctor)).toBe('what the doctor has');
    await doctor.page.context().close();
  });

  await test.step('the administrator sees the policy and who transferred how much', async () => {
    const admin = await openAdministrator(browser, medusa);
    await admin.page.getByTestId('admin-tab-overview').click();
    await expect(admin.page.getByTestId('transfers-of-radiologist')).toHaveText(/allowed.*allowed.*denied/i);
    await expect(admin.page.getByTestId('transfers-of-doctor')).toHaveText(/denied.*denied.*denied/i);
    await admin.show('audit');
    const line = (action: string) =>
      admin.page.locator(`[data-testid="audit-row"][data-action="clipboard.${action}"]`);
    await expect(line('pasted')).toContainText(`into the display, ${Buffer.byteLength(told)} bytes`);
    await expect(line('copied').last()).toContainText(
      `out of the display, ${Buffer.byteLength(told) + 1} bytes`,
    );
    await expect(admin.page.getByTestId('audit-table')).not.toContainText('größer');
  });
  await page.context().close();
});
