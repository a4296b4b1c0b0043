import { expect } from '@playwright/test';
import { openAdministrator } from '../support/admin-page.ts';
import { launchBrowser } from '../support/browser.ts';
import { test } from '../support/fixtures.ts';
import { startMedusa } from '../support/medusa.ts';
import { startOrthanc } from '../support/orthanc.ts';

test('an administrator is told of a PACS that is gone, until it is off the list', async () => {
  await using medusa = await startMedusa({
    environment: { MEDUSA_DICOM_PROBE_MS: '500', MEDUSA_ALARM_SECONDS: '1' },
  });
  await using chromium = await launchBrowser(medusa.caFile);
  const administrator = await openAdministrator(chromium, medusa);
  const { page } = administrator;
  await administrator.show('entities');
  await expect(page.getByTestId('alarms')).toContainText(/no alarm/i);

  let title: string;
  {
    await using orthanc = await startOrthanc({ aeTitle: 'MEDUSA', port: medusa.dicomPort });
    title = orthanc.aeTitle;
    await page.getByTestId('entity-add').click();
    await page.getByTestId('entity-title').fill(title);
    await page.getByTestId('entity-host').fill('127.0.0.1');
    await page.getByTestId('entity-port').fill(String(orthanc.dicomPort));
    await page.getByTestId('entity-tls').press('Space');
    await page.getByTestId('entity-title').press('Enter');
    await expect(page.getByTestId('entity-echo')).toHaveAttribute('data-state', 'reachable');
    await expect(page.getByTestId('alarm-badge')).toBeHidden();
  }
  const alarm = page.getByTestId('alarm');
  await expect(alarm).toContainText(title, { timeout: 30_000 });
  await expect(alarm).toHaveAttribute('data-kind', 'pacs-unreachable');
  await expect(page.getByTestId('alarm-badge')).toHaveText('1');
  await page.screenshot({ path: test.info().outputPath('alarm.png'), fullPage: true });

  await page.getByTestId('entity-remove').click();
  await administrator.confirmPlan();
  await expect(page.getByTestId('alarms')).toContainText(/no alarm/i, { timeout: 30_000 });
  await expect(page.getByTestId('alarm-badge')).toBeHidden();
  await administrator.show('audit');
  await expect(page.locator('[data-testid="audit-row"][data-action="alarm.changed"]')).toHaveCount(2);
  await page.context().close();
});
