import path from 'node:path';
import { test as base, type Browser } from '@playwright/test';
import { launchBrowser } from './browser.ts';
import { startMedusa, type Medusa } from './medusa.ts';
import { startOrthanc, type Orthanc } from './orthanc.ts';

export const ctFolder = path.resolve(import.meta.dirname, '../data/ct-chest');

type Parts = { readonly medusa: Medusa; readonly orthanc: Orthanc; readonly chromium: Browser };

/** For each test a new instance, a hospital PACS with the CT series, and a browser that trusts the instance. */
export const test = base.extend<Parts>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the fixture's needs from this pattern.
  medusa: async ({}, use) => {
    await using medusa = await startMedusa();
    await use(medusa);
  },
  orthanc: async ({ medusa }, use) => {
    await using orthanc = await startOrthanc({ aeTitle: 'MEDUSA', port: medusa.dicomPort });
    await orthanc.upload(ctFolder);
    await use(orthanc);
  },
  chromium: async ({ medusa }, use) => {
    await using browser = await launchBrowser(medusa.caFile);
    await use(browser);
  },
});
