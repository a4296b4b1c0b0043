import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, type Page } from '@playwright/test';
import { Sender } from '../fuzz/sender.ts';
import { smallObject, uids } from '../fuzz/wire.ts';
import { openAdministrator } from '../support/admin-page.ts';
import { test } from '../support/fixtures.ts';

const run = promisify(execFile);

test('an administrator lists the PACS by keyboard alone, asks whether it is there, and sees what came from it', async ({
  medusa,
  orthanc,
  chromium,
}) => {
  const peer = test.info().outputPath('peer');
  await mkdir(peer, { recursive: true });
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

  await row.getByTestId('entity-certificate').press('Enter');
  await page.getByTestId('certificate-request').fill(await requestOf(peer));
  await page.screenshot({ path: test.info().outputPath('certificate-request.png') });
  await page.getByTestId('certificate-sign').click();
  const certificate = await download(page, 'certificate', peer);
  const authorities = await download(page, 'authorities', peer);
  await page.screenshot({ path: test.info().outputPath('certificate.png') });
  const isAnswered = async (): Promise<boolean> => {
    const tls = ['+tls', path.join(peer, 'key.pem'), certificate, '+cf', authorities];
    const to = ['-aet', orthanc.aeTitle, '-aec', 'MEDUSA', '127.0.0.1', String(medusa.dicomTlsPort)];
    return run('echoscu', ['-to', '10', ...tls, ...to]).then(
      () => true,
      () => false,
    );
  };
  expect(await isAnswered()).toBe(true);
  await page.keyboard.press('Escape');
  await row.getByTestId('entity-certificate').click();
  await page.getByText('Take one back').click();
  await page.getByTestId('certificate-pem').fill(await readFile(certificate, 'utf8'));
  await page.getByTestId('certificate-revoke').click();
  await expect(page.getByTestId('certificate-revoked')).toBeVisible();
  expect(await isAnswered()).toBe(false);
  await page.keyboard.press('Escape');

  await row.getByTestId('entity-remove').click();
  await administrator.confirmPlan();
  await expect(page.getByTestId('entities')).toContainText('Nothing is listed yet');
  await administrator.show('audit');
  await expect(page.locator('[data-testid="audit-row"][data-action="entity.changed"]').first()).toBeVisible();
  await expect(page.locator('[data-testid="audit-row"][data-action="dicom.refused"]').first()).toBeVisible();
  await expect(page.locator('[data-testid="audit-row"][data-action="certificate.changed"]')).toHaveCount(2);
  await page.context().close();
});

/** Of a key that lies in the peer's folder and stays there. */
async function requestOf(peer: string): Promise<string> {
  const [key, request] = [path.join(peer, 'key.pem'), path.join(peer, 'request.csr')];
  await run('openssl', [
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=x',
    '-keyout',
    key,
    '-out',
    request,
  ]);
  return readFile(request, 'utf8');
}

async function download(page: Page, name: string, folder: string): Promise<string> {
  const downloading = page.waitForEvent('download');
  await page.getByTestId(`certificate-${name}`).click();
  const file = path.join(folder, `${name}.pem`);
  await (await downloading).saveAs(file);
  return file;
}
