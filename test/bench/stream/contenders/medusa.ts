import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from '@playwright/test';
import { ctFolder } from '../../../support/fixtures.ts';
import { startMedusa, type Medusa } from '../../../support/medusa.ts';
import { enterPerson, type Person } from '../../../support/viewer-page.ts';
import { waitFor } from '../../../support/wait.ts';
import type { Size } from '../content/gray.ts';
import type { Contender, ContenderOptions } from './contender.ts';

const manifests = path.resolve(import.meta.dirname, '../../../../broker/manifest/applications');
/** Sandboxes see /usr only; this folder is there on every Debian, and empty. */
const visibleFolder = '/usr/local/src';
const applicationId = 'bench-scene';

/**
 * The real product: the program is an application of its catalogue, opened from the worklist. Catalogue and program are there for this
 * instance alone, by mounts in a namespace that ends with it.
 */
export async function startOurs({
  stage,
  size,
  address,
}: ContenderOptions): Promise<Contender & { readonly medusa: Medusa }> {
  await using starting = new AsyncDisposableStack();
  const catalogue = await mkdtemp(path.join(tmpdir(), 'medusa-bench-catalogue-'));
  starting.defer(async () => rm(catalogue, { recursive: true, force: true }));
  await cp(manifests, catalogue, { recursive: true });
  await writeFile(path.join(catalogue, `${applicationId}.xml`), await manifestOf());
  const launcher = `#!/bin/sh\nexec /medusa/node ${visibleFolder}/main.ts ${visibleFolder}/content.json\n`;
  await writeFile(path.join(stage.folder, 'scene'), launcher, { mode: 0o755 });
  const mounts = 'mount --bind "$1" "$2" && mount --bind "$3" "$4" && shift 4 && exec "$@"';
  const medusa = starting.use(
    await startMedusa({
      bind: address,
      wrapper: [
        ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mounts, 'sh'],
        ...[stage.folder, visibleFolder, catalogue, manifests],
      ],
    }),
  );
  const peer = ['-aet', 'HOSPITAL', '-aec', 'MEDUSA', address, String(medusa.dicomPort)];
  // Proposed as it is: one slice is enough of a study to open.
  await promisify(execFile)('storescu', ['-xt', ...peer, path.join(ctFolder, '041.dcm')]);
  const running = starting.move();
  return {
    medusa,
    caFile: medusa.caFile,
    pictureSelector: '[data-testid="stream-video"]',
    coverSelector: '[data-testid="still-picture"]',
    serverPids: () => [medusa.findProcess('renderer/main.ts')?.pid ?? 0],
    async show(page) {
      const person = await enterPerson(page, medusa);
      await person.logIn('radiologist');
      await page.getByTestId('worklist-row').first().click();
      await person.openAs(applicationId, 'streamed');
      await person.passDeviceCheck();
      await expect(person.video).toBeVisible({ timeout: 120_000 });
      // Only who has control is followed by the display.
      await expect(person.video).toHaveAttribute('data-control', 'true', { timeout: 30_000 });
      await fitDisplay(person, size);
      // As a user does; the window manager gives the keyboard to the window that is clicked.
      await person.video.click();
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

/** The manifest of a viewer that comes with Medusa, with our program in its place. */
async function manifestOf(): Promise<string> {
  const text = await readFile(path.join(manifests, 'aeskulap.xml'), 'utf8');
  return text
    .replace("viewer.fork('aeskulap', '{firstFile}')", `viewer.fork('${visibleFolder}/scene')`)
    .replace('<configuration name="aeskulap">', `<configuration name="${applicationId}">`)
    .replace('name="aeskulap">\n  <security', `name="${applicationId}">\n  <security`);
}

/**
 * Resizes the window until the remote display has the wanted size. The client asks for a size when its stage changes, and not again when
 * the way to the node was not open yet: then the stage has to change once more.
 */
async function fitDisplay({ page, video }: Person, wanted: Size): Promise<void> {
  const askAgainMs = 3_000;
  let askedAtMs = -Infinity;
  await waitFor('a display of the wanted size', async () => {
    const [{ width, height }, stage] = await video.evaluate((element: HTMLVideoElement) => {
      const place = (element.parentElement ?? element).getBoundingClientRect();
      return [
        { width: element.videoWidth, height: element.videoHeight },
        { width: place.width, height: place.height },
      ];
    });
    if (width === wanted.width && height === wanted.height) return true;
    if (performance.now() - askedAtMs < askAgainMs) return undefined;
    askedAtMs = performance.now();
    const window = page.viewportSize() ?? wanted;
    const fitting = {
      width: Math.round(window.width + wanted.width - stage.width),
      height: Math.round(window.height + wanted.height - stage.height),
    };
    await page.setViewportSize({ ...fitting, height: fitting.height - 32 });
    await page.setViewportSize(fitting);
    return undefined;
  });
}
