import { expect } from '@playwright/test';
import { type Person } from '../support/viewer-page.ts';
import { startScene } from './scene.ts';
import { median, printResult, progress, quantile } from './report.ts';

/**
 * Click on "open" → first decoded frame of the study in a real Chromium, with the waterfall that the viewer keeps.
 * A cold start each time: display, application and encoder are made anew.
 */
const rounds = Number(process.argv[2] ?? 7);

await using scene = await startScene();
const { person } = scene;
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
  const measured = at.page.evaluate(clickToFirstFrame);
  await at.page.getByTestId('open-button').click();
  if (isFirst) await at.passDeviceCheck();
  const totalMs = await measured;
  await at.viewThat('the first slice', ({ ready }) => ready);
  const waterfall = await at.page.evaluate(() => {
    const { medusaViewer } = globalThis as unknown as { medusaViewer?: { steps: readonly Step[] } };
    return medusaViewer?.steps ?? [];
  });
  await at.page.getByTestId('leave-button').click();
  await expect(at.page.getByTestId('worklist-row').first()).toBeVisible();
  return { totalMs, waterfall };
}

/** Runs in the page: from the next click's own timestamp until the first decoded frame is handed to the compositor. */
async function clickToFirstFrame(): Promise<number> {
  return new Promise((resolve) => {
    let clickedAt: number | undefined;
    addEventListener('click', (event) => void (clickedAt ??= event.timeStamp), { capture: true, once: true });
    const look = (): void => {
      const video = document.querySelector<HTMLVideoElement>('[data-testid="stream-video"]');
      if (!video || clickedAt === undefined) requestAnimationFrame(look);
      else
        video.requestVideoFrameCallback((_now, { presentationTime }) =>
          resolve(presentationTime - (clickedAt ?? 0)),
        );
    };
    look();
  });
}
