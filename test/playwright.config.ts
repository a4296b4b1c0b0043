import { defineConfig } from '@playwright/test';

/** Journeys through the whole product. One at a time: they share the machine's cores with what they measure. */
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  timeout: 240_000,
  expect: { timeout: 30_000 },
  workers: 1,
  fullyParallel: false,
  // Browsers, displays, a database and a network share the machine: one disturbed journey is run again, and listed as flaky.
  retries: 1,
  reporter: [['list']],
  forbidOnly: true,
});
