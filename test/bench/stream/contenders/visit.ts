import type { Page } from '@playwright/test';

/** A large scene keeps a server busy at first. */
const patienceMs = 30_000;
const mostVisits = 5;

/**
 * Goes to a peer's page until its picture is there. Now and then one hangs before its first picture: a user would reload the page too.
 * @param untilThere throws when there is none in this time, ms
 */
export async function visit(
  page: Page,
  url: string,
  untilThere: (timeoutMs: number) => Promise<unknown>,
): Promise<void> {
  for (let left = mostVisits - 1; ; left -= 1) {
    await page.goto(url);
    try {
      await untilThere(patienceMs);
      return;
    } catch (error) {
      if (left === 0 || page.isClosed()) throw error;
    }
  }
}
