import { expect } from '@playwright/test';
import { Sender } from '../fuzz/sender.ts';
import { smallObject, uids } from '../fuzz/wire.ts';
import { openAdministrator } from '../support/admin-page.ts';
import { test } from '../support/fixtures.ts';

test('an administrator lists the PACS by keyboard alone, asks whether it is there, and sees what came from it', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  const administrator = await openAdministrator(chromium, medusa);
  const { page } = administrator;
  await administrator.show('entities');
  await expect(page.getByTestId('entities')).toContainText('Nothing is listed yet');
  await expect(page.getByTestId('entity-nodes')).toContainText('goes by this list');

  await page.getByTestId('entity-add').focus();
  await page.keyboard.press('Enter');
  const form = page.getByTestId('entity-form');
  await expect(page.getByTestId('entity-title')).toBeFocused();
  await page.keyboard.type(orthanc.aeTitle);
  await page.keyboard.press('Tab');
  await page.keyboard.type('Archive of the hospital');
  await page.keyboard.press('Tab');
  await page.keyboard.type('127.0.0.1');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+A');
  await page.keyboard.type(String(orthanc.dicomPort));
  await page.getByTestId('entity-tls').focus();
  await page.keyboard.press('Tab');
  await page.keyboard.type('12:34');
  await page.keyboard.press('Shift+Tab');
  await page.getByTestId('entity-title').press('Enter');
  await expect(form.getByRole('alert')).toContainText('64 hexadecimal digits');
  await page.getByTestId('entity-tls').press('Space');
  await page.getByTestId('entity-title').press('Enter');
  await expect(form).toBeHidden();

  const row = page.locator(`[data-testid="admin-row"][data-id="${orthanc.aeTitle}"]`);
  await expect(row).toContainText(`127.0.0.1:${orthanc.dicomPort}`);
  await row.getByTestId('entity-test').press('Enter');
  await expect(row.getByTestId('entity-test-result')).toContainText('It answers, without TLS');
  await expect(row.getByTestId('entity-echo')).toHaveAttribute('data-state', 'reachable');

  const sent = await orthanc.push();
  await row.getByRole('button').first().press('Enter');
  await expect(page.getByTestId('entity-details')).toContainText(String(sent), { timeout: 30_000 });

  await administrator.pick('entity-unlisted', 'are refused');
  const call = async (): Promise<string> => {
    await using sender = await Sender.open(medusa.dicomPort);
    await sender.store({ ...smallObject, name: '', transferSyntax: uids.explicit });
    return 'taken';
  };
  await expect.poll(async () => call().catch(() => 'refused')).toBe('refused');
  await expect(page.getByTestId('entity-strangers')).toContainText('FUZZER', { timeout: 30_000 });
  await expect(page.getByTestId('entity-strangers')).toContainText('not in the registry');
  await page.screenshot({ path: test.info().outputPath('entities.png'), fullPage: true });
  await page.getByTestId('stranger-add').click();
  await expect(page.getByTestId('entity-title')).toHaveValue('FUZZER');
  await page.screenshot({ path: test.info().outputPath('entity-form.png'), fullPage: true });
  await page.keyboard.press('Escape');

  await row.getByTestId('entity-remove').click();
  await administrator.confirmPlan();
  await expect(page.getByTestId('entities')).toContainText('Nothing is listed yet');
  await administrator.show('audit');
  await expect(page.locator('[data-testid="audit-row"][data-action="entity.changed"]').first()).toBeVisible();
  await expect(page.locator('[data-testid="audit-row"][data-action="dicom.refused"]').first()).toBeVisible();
  await page.context().close();
});
