import { expect } from '@playwright/test';
import { sessionViewSchema, type SessionView, type ViewState } from '@medusa/protocol';
import { z } from 'zod';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { startMedusa, type Medusa } from '../support/medusa.ts';
import { killNode, nodeOf, untilNodesReady, watchRecovery } from '../support/node-loss.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { openPerson, seenOf, type Person } from '../support/viewer-page.ts';
import { median, printResult, progress, quantile } from './report.ts';

/**
 * A render node is killed, with everything that it started, while somebody reads a study on it: from the kill until the viewer shows the
 * first picture of another node, with the same slice, window, zoom and tool. Two nodes on this machine; a session of its own each time.
 */
const rounds = Number(process.argv[2] ?? 10);
/** Nodes that end again and again are replaced with growing pauses: after so many kills an installation of its own is begun. */
const mostKills = 3;

const totals: number[] = [];
const stages = new Map<string, number[]>();
let isSame = 0;
for (let done = 0; done < rounds; done += mostKills)
  await runRounds(done, Math.min(rounds, done + mostKills));
printResult({
  bench: 'node-loss',
  medians: {
    total_p50_ms: median(totals),
    total_p95_ms: quantile(totals, 0.95),
    ...Object.fromEntries([...stages].map(([stage, samples]) => [`${stage}_ms`, median(samples)])),
  },
  ratios: {},
  n: totals.length,
  results: { same_view: isSame, worst_ms: Math.round(Math.max(...totals)) },
});

async function runRounds(from: number, to: number): Promise<void> {
  await using medusa = await startMedusa({ environment: { MEDUSA_RENDER_NODES: '2' } });
  await using orthanc = await startOrthanc({ aeTitle: 'MEDUSA', port: medusa.dicomPort });
  await orthanc.upload(ctFolder);
  await orthanc.push();
  await using browser = await launchBrowser(medusa.caFile);
  const person = await openPerson(browser, medusa);
  await person.logIn('radiologist');
  for (let round = from + 1; round <= to; round += 1) {
    await untilNodesReady(medusa, 2);
    const before = await work(person, { isFirst: round === from + 1, slices: 10 + round });
    const watching = watchRecovery(person.page);
    const killedAt = killNode(medusa, await nodeOf(medusa));
    const totalMs = (await watching) - killedAt;
    const after = await person.viewThat(
      'the view again',
      ({ ready, revision }) => ready && revision > before.revision,
    );
    if (JSON.stringify(seenOf(after)) === JSON.stringify(seenOf(before))) isSame += 1;
    totals.push(totalMs);
    const found = stagesOf(await theSession(medusa), { killedAt, totalMs });
    for (const [stage, ms] of found) stages.set(stage, [...(stages.get(stage) ?? []), ms]);
    const told = found.map(([stage, ms]) => `${stage} ${ms.toFixed(0)}`).join(', ');
    progress(`node loss ${round}/${rounds}: ${totalMs.toFixed(0)} ms (${told})`);
    await person.page.getByTestId('leave-button').click();
    await expect(person.page.getByTestId('worklist-row').first()).toBeVisible();
  }
}

/** Another slice, zoomed. */
async function work(
  person: Person,
  { isFirst, slices }: { readonly isFirst: boolean; readonly slices: number },
): Promise<ViewState> {
  const { page } = person;
  await page.getByTestId('worklist-row').first().click();
  await page.getByTestId('open-button').click();
  if (isFirst) await person.passDeviceCheck();
  await expect(person.video).toBeVisible({ timeout: 60_000 });
  await person.viewThat('the first slice', ({ ready }) => ready);
  const point = await person.pointOf(700, 400);
  await page.mouse.move(point.x, point.y);
  for (let notch = 0; notch < slices; notch += 1) await page.mouse.wheel(0, 100);
  await page.mouse.down({ button: 'right' });
  await page.mouse.move(point.x, point.y - 40, { steps: 4 });
  await page.mouse.up({ button: 'right' });
  return person.viewAtRest();
}

async function theSession(medusa: Medusa): Promise<SessionView> {
  const answer = await medusa.getJson('/api/sessions', await medusa.tokenOf('admin'));
  const { sessions } = z.object({ sessions: z.array(sessionViewSchema) }).parse(answer);
  const [latest] = sessions.filter(({ state }) => state === 'streaming');
  if (!latest) throw new Error('No session streams');
  return latest;
}

/** Where the time went; the broker and the browser share this machine's clock. */
function stagesOf(
  { createdAt, steps, recovery }: SessionView,
  { killedAt, totalMs }: { readonly killedAt: number; readonly totalMs: number },
): [string, number][] {
  const lostAt = Date.parse(recovery?.lostAt ?? '');
  const streamingAt = Date.parse(recovery?.recoveredAt ?? '');
  const sinceLoss = steps.filter(({ startMs }) => Date.parse(createdAt) + startMs >= lostAt - 1);
  return [
    ['detect', lostAt - killedAt],
    ...sinceLoss.map(({ step, startMs, endMs }): [string, number] => [step, endMs - startMs]),
    ['start', streamingAt - lostAt],
    ['viewer', killedAt + totalMs - streamingAt],
  ];
}
