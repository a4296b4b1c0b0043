import { expect, type Browser, type Locator, type Page } from '@playwright/test';
import { viewStateSchema, type ViewState } from '@medusa/protocol';
import type { DemoUserName, Medusa } from './medusa.ts';
import { waitFor } from './wait.ts';

/** What a person does at a screen of Medusa, in the words of the product. */
export type Person = {
  readonly page: Page;
  readonly video: Locator;
  logIn(user: DemoUserName): Promise<void>;
  passDeviceCheck(): Promise<void>;
  /** Opens the selected study from the open button's menu. */
  openAs(applicationId: string, mode: 'streamed' | 'local'): Promise<void>;
  /** Opens the first study of the worklist, streamed, and waits until its first slice is there. */
  openFirstStudy(): Promise<ViewState>;
  openRoomPanel(): Promise<void>;
  view(): Promise<ViewState | undefined>;
  /** Waits until the workstation tells of a view that `fits`. */
  viewThat(what: string, fits: (view: ViewState) => boolean): Promise<ViewState>;
  /** Waits until nothing new is told any more. */
  viewAtRest(): Promise<ViewState>;
  /** Where a point of the remote display lies on this page. */
  pointOf(displayX: number, displayY: number): Promise<{ x: number; y: number }>;
};

/** The display follows the page's size after a pause. */
const looksAtRest = 30;

export async function openPerson(
  browser: Browser,
  medusa: Pick<Medusa, 'url' | 'passwordOf'>,
  path = '/',
): Promise<Person> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(30_000);
  return enterPerson(await context.newPage(), medusa, path);
}

/** A person at a page that is open already. */
export async function enterPerson(
  page: Page,
  medusa: Pick<Medusa, 'url' | 'passwordOf'>,
  path = '/',
): Promise<Person> {
  await page.goto(`${medusa.url}${path}`);
  const video = page.getByTestId('stream-video');

  const view = async (): Promise<ViewState | undefined> => {
    const told = await page.evaluate(() => {
      const { medusaViewer } = globalThis as unknown as { medusaViewer?: { view: unknown } };
      return medusaViewer?.view ?? undefined;
    });
    const parsed = viewStateSchema.safeParse(told);
    return parsed.success ? parsed.data : undefined;
  };
  const person: Person = {
    page,
    video,
    view,
    async logIn(user) {
      await page.locator('input[name="username"]').fill(user);
      await page.locator('input[name="password"]').fill(medusa.passwordOf(user));
      await page.locator('button[type="submit"]').click();
    },
    async passDeviceCheck() {
      const proceed = page.getByTestId('device-continue');
      await expect(proceed).toBeEnabled({ timeout: 90_000 });
      await proceed.click();
    },
    async openAs(applicationId, mode) {
      await page.getByTestId('open-menu').click();
      await page.getByTestId(`open-${applicationId}-${mode}`).click();
    },
    async openFirstStudy() {
      await page.getByTestId('worklist-row').first().click();
      await page.getByTestId('open-button').click();
      await person.passDeviceCheck();
      await expect(video).toBeVisible({ timeout: 60_000 });
      return person.viewThat('the first slice', ({ ready }) => ready);
    },
    async openRoomPanel() {
      if (await page.getByTestId('room-panel').isVisible()) return;
      await page.getByTestId('room-toggle').click();
    },
    viewThat: async (what, fits) =>
      waitFor(what, async () => {
        const told = await view();
        return told && fits(told) ? told : undefined;
      }),
    async viewAtRest() {
      let [revision, looks] = [-1, 0];
      return waitFor('the view to be at rest', async () => {
        const told = await view();
        looks = told?.revision === revision ? looks + 1 : 0;
        revision = told?.revision ?? -1;
        return looks >= looksAtRest && told?.ready === true ? told : undefined;
      });
    },
    pointOf: async (displayX, displayY) =>
      waitFor('the size of the picture', async () =>
        video.evaluate(
          (element: HTMLVideoElement, { x, y }) => {
            if (element.videoWidth === 0) return undefined;
            const box = element.getBoundingClientRect();
            const scale = Math.min(box.width / element.videoWidth, box.height / element.videoHeight);
            return {
              x: box.left + (box.width - element.videoWidth * scale) / 2 + x * scale,
              y: box.top + (box.height - element.videoHeight * scale) / 2 + y * scale,
            };
          },
          { x: displayX, y: displayY },
        ),
      ),
  };
  return person;
}

/** What somebody sees of a view, without the number under which it was told, to a hundredth of a pixel or millimetre. */
export function seenOf(view: ViewState): unknown {
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === 'number' ? Math.round(value * 100) / 100 + 0 : value;
  return JSON.parse(JSON.stringify({ ...view, revision: 0 }, rounded));
}
