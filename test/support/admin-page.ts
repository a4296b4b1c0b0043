import { expect, type Browser, type Locator, type Page } from '@playwright/test';
import type { Medusa } from './medusa.ts';
import { openPerson } from './viewer-page.ts';

type Tab =
  | (
      | 'pools'
      | 'providers'
      | 'networks'
      | 'volumes'
      | 'sessions'
      | 'storage'
      | 'entities'
      | 'events'
      | 'audit'
    )
  | ('manifests' | 'agreements' | 'capacity');

/** What an administrator does with providers, pools and resources. */
export type Administrator = {
  readonly page: Page;
  show(tab: Tab): Promise<void>;
  tile(node: string): Locator;
  openNode(node: string): Promise<void>;
  closeNode(): Promise<void>;
  /** Looks at the plan that is shown, wants it to have steps of these actions, and lets it be done. */
  confirmPlan(...actions: string[]): Promise<void>;
  row(table: string, id: string): Locator;
  /** Picks from a list that opens under its input. */
  pick(testId: string, option: RegExp | string): Promise<void>;
  /** Names a new resource of the form that is open, and asks for its plan. */
  nameAndPlan(id: string): Promise<void>;
};

export async function openAdministrator(browser: Browser, medusa: Medusa): Promise<Administrator> {
  const person = await openPerson(browser, medusa, '/admin?tab=pools');
  const { page } = person;
  await person.logIn('admin');
  await expect(page.getByTestId('admin-tab-pools')).toBeVisible();
  const drawer = page.getByTestId('node-drawer');
  const tile = (node: string): Locator => page.locator(`[data-testid="pool-tile"][data-node="${node}"]`);
  return {
    page,
    tile,
    show: async (tab) => page.getByTestId(`admin-tab-${tab}`).click(),
    async openNode(node) {
      await tile(node).click();
      await expect(drawer).toBeVisible();
    },
    async closeNode() {
      await page.keyboard.press('Escape');
      await expect(drawer).toBeHidden();
    },
    async confirmPlan(...actions) {
      const plan = page.getByTestId('plan-dialog');
      for (const action of actions)
        await expect(
          plan.locator(`[data-testid="plan-step"][data-action="${action}"]`).first(),
        ).toBeVisible();
      await page.getByTestId('plan-confirm').click();
      await expect(plan).toBeHidden();
    },
    row: (table, id) => page.getByTestId(table).locator(`[data-testid="resource-row"][data-id="${id}"]`),
    async pick(testId, option) {
      await page.getByTestId(testId).click();
      await page.getByRole('option', { name: option }).click();
    },
    async nameAndPlan(id) {
      await page.getByTestId('create-id').fill(id);
      await page.getByTestId('create-plan').click();
    },
  };
}
