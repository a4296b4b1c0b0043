import { launchResponseSchema, type SessionView, type ViewState } from '@medusa/protocol';
import { launchBrowser } from '../support/browser.ts';
import { ctFolder } from '../support/fixtures.ts';
import { grabPicture, similarity } from '../support/picture.ts';
import { readReferenceSlice } from '../support/reference.ts';
import { referencePicture, wholePicture } from '../support/reference-check.ts';
import { openPerson, type Person } from '../support/viewer-page.ts';
import { waitFor } from '../support/wait.ts';
import { printResult, progress } from './report.ts';
import { install } from './split/installation.ts';
import { openSites, type Sites } from './split/sites.ts';

/**
 * What crosses the link between the site with the data and the site with the people, from the click on "open" until every slice of the CT
 * was seen, one after the other as fast as they come, and the last one is at rest and sharp: once with the workstation at the people's
 * site, which reads the study over the link (whole), once with the workstation next to the data, whose picture crosses the link (split).
 * Each site is a network namespace with the real programs in it; the bytes are those that the kernel counts at the link.
 */
if (process.getuid?.() !== 0) {
  progress('split: only root can make network namespaces; nothing was measured');
  process.exit(2);
}

const restMs = 3_000;

type Seen = {
  readonly bytes: number;
  readonly slices: number;
  readonly openMs: number;
  readonly scrollMs: number;
  /** Of the last slice at rest, against one that was rendered from the file. */
  readonly similarity: number;
  readonly session: SessionView;
};

await using sites = await openSites();
progress('split: starting the installation at both sites');
await using installation = await install(sites);
await using browser = await launchBrowser(installation.caFile, { executable: installation.browser });
const person = await openPerson(browser, installation);
await person.logIn('radiologist');
const whole = await watch(person, sites, { applicationId: 'workstation', isFirst: true });
progress(`whole: ${whole.bytes} bytes, ${whole.slices} slices; ${whole.session.placement?.reason ?? ''}`);
const split = await watch(person, sites, { applicationId: 'near-data', isFirst: false });
progress(`split: ${split.bytes} bytes, ${split.slices} slices; ${split.session.placement?.reason ?? ''}`);
printResult({
  bench: 'split',
  medians: {
    whole_bytes: whole.bytes,
    split_bytes: split.bytes,
    whole_open_ms: whole.openMs,
    split_open_ms: split.openMs,
    whole_scroll_ms: whole.scrollMs,
    split_scroll_ms: split.scrollMs,
    whole_still_ssim: whole.similarity,
    split_still_ssim: split.similarity,
  },
  ratios: { whole_to_split: whole.bytes / split.bytes },
  n: split.slices,
  results: {
    whole_slices: whole.slices,
    split_slices: split.slices,
    split_reader: split.session.placement?.split?.readerNodeId ?? null,
    split_viewer: split.session.nodeId,
    reason: split.session.placement?.reason ?? '',
  },
});

async function watch(
  at: Person,
  { countBytes }: Sites,
  { applicationId, isFirst }: { applicationId: string; isFirst: boolean },
): Promise<Seen> {
  await at.page.getByTestId('worklist-row').first().click();
  const before = await countBytes();
  const launched = at.page.waitForResponse(
    (response) => response.url().endsWith('/api/sessions') && response.request().method() === 'POST',
    { timeout: 120_000 },
  );
  await at.openAs(applicationId, 'streamed');
  if (isFirst) await at.passDeviceCheck();
  const startedAt = performance.now();
  const { session } = launchResponseSchema.parse(await (await launched).json());
  await untilReady(at);
  const openMs = performance.now() - startedAt;
  const scrolledAt = performance.now();
  const slices = await scrollThrough(at);
  const scrollMs = performance.now() - scrolledAt;
  await at.page.waitForTimeout(restMs);
  const bytes = (await countBytes()) - before;
  const likeness = await likenessOf(at);
  const latest = await installation.readSession(session.id);
  await at.page.getByTestId('leave-button').click();
  await at.page.getByTestId('worklist-row').first().waitFor();
  return { bytes, slices, openMs, scrollMs, similarity: likeness, session: latest };
}

/** Both sites, the browser and the measuring share this machine: it may take long. */
async function untilReady(at: Person): Promise<ViewState> {
  const ready = async (): Promise<ViewState | undefined> => {
    const view = await at.view();
    return view?.ready === true ? view : undefined;
  };
  return waitFor('the slice', ready, 120_000);
}

/** Down to the last slice, each one waited for. Answers how many were seen. */
async function scrollThrough(at: Person): Promise<number> {
  const seen = new Set<string>();
  const shown = async (): Promise<string> => (await at.view())?.viewports[0]?.sopInstanceUID ?? '';
  const region = wholePicture(await untilReady(at));
  const { x, y } = await at.pointOf(region.x + region.width / 2, region.y + region.height / 2);
  await at.page.mouse.move(x, y);
  for (;;) {
    const present = await shown();
    seen.add(present);
    await at.page.mouse.wheel(0, 100);
    const next = async (): Promise<true | undefined> => ((await shown()) === present ? undefined : true);
    const isLast = await waitFor('the next slice', next, 3_000).then(
      () => false,
      () => true,
    );
    if (isLast) return seen.size;
  }
}

async function likenessOf(at: Person): Promise<number> {
  const view = await untilReady(at);
  const slice = readReferenceSlice(ctFolder, view.viewports[0]?.sopInstanceUID ?? '');
  return similarity(referencePicture(view, slice), await grabPicture(at.video, wholePicture(view)));
}
