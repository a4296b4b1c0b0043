import { expect } from '@playwright/test';
import { Sender } from '../fuzz/sender.ts';
import { element, smallObject, text, uids } from '../fuzz/wire.ts';
import { openAdministrator } from '../support/admin-page.ts';
import { test } from '../support/fixtures.ts';

/** An object with a program in a private value. */
function carrier(number: number): Parameters<Sender['store']>[0] {
  const { sopClass } = smallObject;
  const sopInstance = `${smallObject.sopInstance}.${number}`;
  const program = Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.alloc(60)]);
  const dataSet = Buffer.concat([
    element(0x00080016, 'UI', text(sopClass)),
    element(0x00080018, 'UI', text(sopInstance)),
    element(0x0020000d, 'UI', text('1.2.826.0.1.3680043.9.9999.2')),
    element(0x0020000e, 'UI', text('1.2.826.0.1.3680043.9.9999.3')),
    element(0x00291010, 'OB', program),
  ]);
  return { name: '', sopClass, sopInstance, transferSyntax: uids.explicit, dataSet };
}

test('an administrator sees what is in quarantine and why, releases one object, deletes the other, and holds a study', async ({
  medusa,
  chromium,
}) => {
  await using sender = await Sender.open(medusa.dicomPort);
  expect([await sender.store(carrier(1)), await sender.store(carrier(2))]).toEqual([0xc101, 0xc101]);
  const administrator = await openAdministrator(chromium, medusa);
  const { page } = administrator;
  await administrator.show('storage');
  await page.getByTestId('admin-storage').getByTestId('admin-row').getByRole('button').first().click();
  const rows = page.getByTestId('quarantine-row');
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toContainText('ELF program in (0029,1010)');
  await expect(rows.first()).toContainText('FUZZER');

  await rows
    .filter({ hasText: `${smallObject.sopInstance}.1` })
    .getByTestId('quarantine-release')
    .click();
  await expect(page.getByTestId('plan-dialog')).toContainText('ELF program in (0029,1010)');
  await administrator.confirmPlan();
  await expect(rows).toHaveCount(1);
  expect(await sender.store(carrier(1))).toBe(0);

  await rows.getByTestId('quarantine-delete').click();
  await administrator.confirmPlan();
  await expect(page.getByTestId('quarantine')).toContainText('Nothing is in quarantine.');

  await page.getByTestId('retention-hold').press('Enter');
  await expect(page.getByTestId('retention-study')).toBeFocused();
  await page.keyboard.type('no UID');
  await page.getByTestId('retention-reason').fill('case 4711');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('retention-form').getByRole('alert')).toBeVisible();
  await page.getByTestId('retention-study').fill('1.2.826.0.1.3680043.9.9999.2');
  await page.keyboard.press('Enter');
  const hold = page.getByTestId('retention-row');
  await expect(hold).toContainText('case 4711');
  await page.screenshot({ path: test.info().outputPath('retention.png'), fullPage: true });
  await hold.getByTestId('retention-end').click();
  await expect(page.getByTestId('retention-reason')).toBeFocused();
  await page.keyboard.type('case 4711 is closed');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('retention')).toContainText('No study is held.');

  await administrator.show('audit');
  for (const action of ['object.quarantined', 'quarantine.read', 'quarantine.changed', 'retention.changed'])
    await expect(page.locator(`[data-testid="audit-row"][data-action="${action}"]`).first()).toBeVisible();
  await page.context().close();
});
