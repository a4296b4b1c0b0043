import { expect } from '@playwright/test';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { startMedusa } from '../support/medusa.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { openPerson, type Person } from '../support/viewer-page.ts';
import { median, printResult, progress, quantile } from './report.ts';

/**
 * Click on "open" → first decoded frame of the study in a real Chromium, with the waterfall that the viewer keeps.
 * A cold start each time: display, application and encoder are made anew.
 */
const rounds = Number(process.argv[2] ?? 7);

await using medusa = await startMedusa();
await using orthanc = await startOrthanc({ aeTitle: 'MEDUSA', port: medusa.dicomPort });
await orthanc.upload(ctFolder);
await orthanc.push();
await using browser = await launchBrowser(medusa.caFile);
const person = await openPerson(browser, medusa);
await person.logIn('radiologist');

const totals: number[] = [];
const steps = new Map<string, number[]>();
for (let round = 0; round <= rounds; round += 1) {
  const { totalMs, waterfall } = await open(person, round === 0);
  progress(
    `open ${round}/${rounds}: ${totalMs.toFixed(0)} ms${round === 0 ? ' (warm-up, with the device check)' : ''}`,
  );
  if (round === 0) continue;
  totals.push(totalMs);
  for (const { step, startMs, endMs } of waterfall)
    steps.set(step, [...(steps.get(step) ?? []), endMs - startMs]);
}
const medians = Object.fromEntries([...steps].map(([step, samples]) => [`${step}_ms`, median(samples)]));
printResult({
  bench: 'open',
  medians: { total_p50_ms: median(totals), total_p95_ms: quantile(totals, 0.95), ...medians },
  ratios: {},
  n: totals.length,
});

type Step = { readonly step: string; readonly startMs: number; readonly endMs: number };

async function open(at: Person, isFirst: boolean): Promise<{ totalMs: number; waterfall: readonly Step[] }> {
  await at.page.getByTestId('worklist-row').first().click();
  // The clock starts with the click's own event and ends when a frame with the image is presented.
  await at.page.evaluate(() => {
    addEventListener(
      'click',
      (event) => void ((globalThis as { clickedAt?: number }).clickedAt = event.timeStamp),
      {
        capture: true,
        once: true,
      },
    );
  });
  await at.page.getByTestId('open-button').click();
  if (isFirst) await at.passDeviceCheck();
  await expect(at.video).toBeVisible({ timeout: 60_000 });
  await at.viewThat('the first slice', ({ ready }) => ready);
  const result = await at.page.evaluate(() => {
    const scope = globalThis as unknown as {
      clickedAt?: number;
      medusaViewer?: { firstFrameAt: number | null; steps: readonly Step[] };
    };
    return {
      totalMs: (scope.medusaViewer?.firstFrameAt ?? Number.NaN) - (scope.clickedAt ?? Number.NaN),
      waterfall: scope.medusaViewer?.steps ?? [],
    };
  });
  await at.page.getByTestId('leave-button').click();
  await expect(at.page.getByTestId('worklist-row').first()).toBeVisible();
  return result;
}
