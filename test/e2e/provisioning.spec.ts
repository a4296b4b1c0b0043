import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from '@playwright/test';
import { openAdministrator } from '../support/admin-page.ts';
import { test } from '../support/fixtures.ts';
import type { Medusa } from '../support/medusa.ts';
import { startSimulatedCloud } from '../support/simulated-cloud.ts';

function pidOf(medusa: Medusa, node: string): number {
  const file = path.join(medusa.dataDir, 'nodes', node, 'process.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid;
}

test('an administrator drains a render node after its plan, and sees a killed one replaced with the reason', async ({
  medusa,
  chromium,
}) => {
  const admin = await openAdministrator(chromium, medusa);
  const { page } = admin;
  const node = admin.tile('render-1');

  await expect(page.locator('[data-pool="render"]')).toBeVisible();
  await expect(node).toHaveAttribute('data-phase', 'ready');
  await expect(page.getByTestId('pool-target').first()).toContainText('Wanted: 1');

  await admin.openNode('render-1');
  await page.getByTestId('act-drain').click();
  await admin.confirmPlan('drain');
  await expect(node).toHaveAttribute('data-phase', 'draining');
  await page.getByTestId('act-undrain').click();
  await admin.confirmPlan('undrain');
  await expect(node).toHaveAttribute('data-phase', 'ready');
  await admin.closeNode();

  const pid = pidOf(medusa, 'render-1');
  process.kill(pid, 'SIGKILL');
  // A process is replaced within a second: the page may never have shown that it was not there.
  await expect.poll(() => pidOf(medusa, 'render-1'), { timeout: 90_000 }).not.toBe(pid);
  await expect(node).toHaveAttribute('data-phase', 'ready', { timeout: 90_000 });
  await admin.openNode('render-1');
  const drawer = page.getByTestId('node-drawer');
  await expect(drawer.getByTestId('node-timeline')).toBeVisible();
  await expect(drawer).toContainText('Incarnation');
  await page.getByTestId('console-read').click();
  await expect(page.getByTestId('console-text')).not.toBeEmpty();
  await admin.closeNode();

  await admin.show('events');
  const rows = page.locator('[data-testid="event-row"][data-resource="render-1"]');
  await expect(
    rows
      .filter({ hasText: 'killed' })
      .or(rows.filter({ hasText: 'ended' }))
      .first(),
  ).toBeVisible();
  await admin.show('audit');
  await expect(page.locator('[data-action="resource.changed"]').first()).toContainText('render-1');
  await page.context().close();
});

test('an administrator sets up a cloud with a pool of twenty, a network, an address that moves, and a volume that comes back from its snapshot', async ({
  medusa,
  chromium,
}) => {
  await using cloud = await startSimulatedCloud();
  const admin = await openAdministrator(chromium, medusa);
  const { page } = admin;

  await admin.show('providers');
  await page.getByTestId('provider-add').click();
  await admin.pick('provider-kind', 'Simulated cloud');
  await page.getByTestId('provider-id').fill('cloud');
  // What is missing is said beside the input that misses it.
  await page.getByTestId('provider-save').click();
  await expect(page.getByTestId('provider-form').getByRole('alert')).toContainText('/settings/url');
  await page.getByTestId('field-url').fill(cloud.url);
  await page.getByTestId('provider-save').click();
  const card = page.locator('[data-testid="provider-card"][data-id="cloud"]');
  await expect(card).toHaveAttribute('data-health', 'reachable');
  await card.getByTestId('provider-catalog').click();
  await expect(page.getByTestId('catalog')).toContainText('nvenc');
  await page.keyboard.press('Escape');

  await admin.show('pools');
  await page.getByTestId('pool-add').click();
  await page.getByTestId('pool-id').fill('batch');
  await admin.pick('pool-providers', 'cloud');
  await page.keyboard.press('Escape');
  await admin.pick('machine-role', 'plain machine');
  await page.getByTestId('machine-image').fill('medusa');
  await page.getByTestId('machine-size').fill('small');
  await page.getByTestId('pool-min').fill('20');
  await page.getByTestId('pool-max').fill('30');
  await page.getByTestId('pool-plan').click();
  await admin.confirmPlan('create');
  const tiles = page.locator('[data-pool="batch"] [data-testid="pool-tile"]');
  await expect(tiles).toHaveCount(20);
  await expect(page.locator('[data-pool="batch"] [data-phase="ready"]')).toHaveCount(20, { timeout: 60_000 });

  await admin.show('networks');
  await page.getByTestId('networks-add').click();
  await admin.nameAndPlan('reading-room');
  await admin.confirmPlan('create');
  await expect(admin.row('networks', 'reading-room')).toHaveAttribute('data-phase', 'ready');
  await expect(admin.row('networks', 'reading-room')).toContainText('/24');

  await page.getByTestId('addresses-add').click();
  await admin.pick('address-machine', /^batch-1$/);
  await admin.nameAndPlan('front');
  await admin.confirmPlan('create', 'assign');
  const address = admin.row('addresses', 'front');
  await expect(address).toHaveAttribute('data-phase', 'ready');
  await expect(address.getByTestId('points-to')).toHaveText('batch-1');
  await address.getByTestId('address-move').click();
  await admin.pick('machine-choice', /^batch-2 /);
  await page.getByTestId('machine-chosen').click();
  await admin.confirmPlan('assign');
  await expect(address.getByTestId('points-to')).toHaveText('batch-2');

  await admin.show('volumes');
  await page.getByTestId('volumes-add').click();
  await page.getByTestId('volume-size').fill('5');
  await admin.nameAndPlan('studies');
  await admin.confirmPlan('create');
  const volume = admin.row('volumes', 'studies');
  await expect(volume).toHaveAttribute('data-phase', 'ready');
  await volume.getByTestId('volume-snapshot').click();
  await admin.nameAndPlan('studies-before');
  await admin.confirmPlan('create');
  const snapshot = admin.row('snapshots', 'studies-before');
  await expect(snapshot).toHaveAttribute('data-phase', 'ready');
  await snapshot.getByTestId('snapshot-restore').click();
  await admin.nameAndPlan('studies-again');
  await admin.confirmPlan('create');
  await expect(admin.row('volumes', 'studies-again')).toHaveAttribute('data-phase', 'ready');
  await expect(admin.row('volumes', 'studies-again')).toContainText('studies-before');

  // What may hold patients' data is kept until somebody has typed its name.
  await admin.row('volumes', 'studies-again').getByTestId('destroy').click();
  await admin.confirmPlan('hold');
  const held = admin.row('hold-list', 'studies-again');
  await expect(held).toBeVisible();
  await held.getByTestId('hold-release').click();
  await expect(page.getByTestId('plan-step').first()).toBeVisible();
  await expect(page.getByTestId('plan-confirm')).toBeDisabled();
  await page.getByTestId('plan-typed').fill('studies-again');
  await admin.confirmPlan('destroy');
  await expect(held).toBeHidden();

  await admin.show('events');
  const log = page.getByTestId('events-table');
  for (const resource of ['reading-room', 'front', 'studies', 'studies-before', 'studies-again'])
    await expect(log.locator(`[data-resource="${resource}"]`).first()).toBeVisible();
  await page.getByTestId('events-resource').fill('front');
  await expect(log.locator('[data-testid="event-row"]:not([data-resource="front"])')).toHaveCount(0);
  const downloading = page.waitForEvent('download');
  await page.getByTestId('events-export').click();
  const csv = readFileSync(await (await downloading).path(), 'utf8');
  expect(csv).toMatch(/^sequence,at,provider,resource,kind,outcome,text,durationMs\r\n\d+,.*,cloud,front,/);
  await page.context().close();
});
