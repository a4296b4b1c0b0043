import { test as base, type Browser } from '@playwright/test';
import path from 'node:path';
import { launchBrowser } from './browser.ts';
import { startMedusa, type Medusa } from './medusa.ts';
import { startOrthanc, type Orthanc } from './orthanc.ts';

export const ctFolder = path.resolve(import.meta.dirname, '../data/ct-chest');

type Shared = { readonly medusa: Medusa; readonly orthanc: Orthanc; readonly chromium: Browser };

/** One instance, one hospital PACS with the CT series, and one browser that trusts the instance, per test file's worker. */
export const test = base.extend<object, Shared>({
  medusa: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads the fixture's needs from this pattern.
    async ({}, use) => {
      const medusa = await startMedusa();
      await use(medusa);
      await medusa[Symbol.asyncDispose]();
    },
    { scope: 'worker', timeout: 180_000 },
  ],
  orthanc: [
    async ({ medusa }, use) => {
      const orthanc = await startOrthanc({ aeTitle: 'MEDUSA', port: medusa.dicomPort });
      await orthanc.upload(ctFolder);
      await use(orthanc);
      await orthanc[Symbol.asyncDispose]();
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  chromium: [
    async ({ medusa }, use) => {
      const browser = await launchBrowser(medusa.caFile);
      await use(browser);
      await browser[Symbol.asyncDispose]();
    },
    { scope: 'worker' },
  ],
});
