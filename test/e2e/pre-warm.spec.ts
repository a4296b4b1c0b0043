import { expect } from '@playwright/test';
import { openAdministrator } from '../support/admin-page.ts';
import { send } from '../support/ask.ts';
import { test } from '../support/fixtures.ts';
import { openPerson } from '../support/viewer-page.ts';

test('a radiologist books a slot, an administrator sees it kept ready, and that it was used', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  await orthanc.push();
  const at = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();
  const entry = { title: 'Tumour board', startsAt: at(20), endsAt: at(1_800) };
  await send(medusa, 'radiologist', {
    ...{ path: '/api/reservations', type: 'application/json', body: JSON.stringify(entry) },
  });
  const admin = await openAdministrator(chromium, medusa);
  const { page } = admin;
  await admin.show('capacity');

  const kept = page.getByTestId('pre-warm-open');
  await expect(kept).toContainText('Tumour board', { timeout: 60_000 });
  // On one box nothing is started for it.
  await expect(kept).toContainText('there anyway');
  const radiologist = await openPerson(chromium, medusa);
  await radiologist.logIn('radiologist');
  await radiologist.openFirstStudy();

  await expect(page.getByTestId('pre-warm')).toContainText('Hit rate100 % (1 of 1)', { timeout: 60_000 });
  await expect(page.getByTestId('pre-warm')).toContainText('0 slot-minutes');
  await expect(kept).not.toContainText('Tumour board');

  await admin.pick('pre-warm-by-render', 'Off');
  await admin.confirmPlan();
  await expect(page.getByTestId('pre-warm-by-render')).toHaveValue('Off');
  await radiologist.page.context().close();
  await page.context().close();
});
