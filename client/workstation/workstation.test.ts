import { chromium, type Browser, type Page } from '@playwright/test';
import type { ViewState, ViewportState } from '@medusa/protocol';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { dicomObjectSchema, numbers, text, type DicomObject } from './dicom-object.ts';
import { buildPage } from './testing/build-page.ts';
import { startOrthanc } from './testing/orthanc.ts';
import { startPageServer, type PageServer } from './testing/page-server.ts';
import { encodeInEach, type Encoded } from './testing/transfer-syntaxes.ts';
import { crop, decodePng, renderWithDcmtk, scale, ssim, type Picture } from './testing/picture.ts';

const chest = join(import.meta.dirname, '../../test/data/ct-chest');
const pixelSpacingMm = 0.78125;

/** Stands for the viewer page around a local workstation. */
const viewerPage = `<!doctype html><body style="margin:0"><iframe style="width:100vw;height:100vh;border:0"></iframe><script>
    window.views = [];
    const frame = document.querySelector('iframe');
    addEventListener('message', ({ data }) => {
      if (data.kind === 'medusa.ready')
        frame.contentWindow.postMessage({ kind: 'medusa.study-token', token: 'token-of-the-study' }, location.origin);
      if (data.kind === 'medusa.view-state') views.push(data.view);
    });
    frame.src = '/workstation/?mode=local&rendering=webgl&study=' + new URLSearchParams(location.search).get('study');
  </script>`;

let parts: AsyncDisposableStack;
let browser: Browser;
let serve: () => Promise<PageServer>;
let study: string;
/** The slices by their place, as the archive knows it. */
let order: readonly string[];
let files: ReadonlyMap<string, string>;
const encodedStudy = '1.2.826.0.1.3680043.10.1';
let encodings: readonly Encoded[];

beforeAll(async () => {
  await using starting = new AsyncDisposableStack();
  const [built, archive] = await Promise.all([buildPage(), startOrthanc()]);
  starting.use(built);
  starting.use(archive);
  await archive.storeFolder(chest);
  [{ study, order }, files] = await Promise.all([askArchive(archive.dicomwebUrl), readFileNames()]);
  encodings = await encodeInEach(join(chest, '070.dcm'), encodedStudy);
  for (const { object } of encodings) await archive.store(object);
  const frames = new Map(
    encodings.flatMap(({ seriesInstanceUID, frame }) =>
      frame ? [[`/series/${seriesInstanceUID}/instances/${seriesInstanceUID}.1/frames/1`, frame]] : [],
    ),
  );
  serve = async () =>
    startPageServer({ folder: built.folder, dicomwebUrl: archive.dicomwebUrl, viewerPage, frames });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--use-gl=angle', '--use-angle=gl', '--ignore-gpu-blocklist', '--disable-quic'],
  });
  starting.defer(async () => browser.close());
  parts = starting.move();
});

afterAll(async () => {
  await parts.disposeAsync();
});

describe.each(['cpu', 'webgl'] as const)('a stack drawn by %s', (rendering) => {
  test('shows the pixels that DCMTK makes of the same slice and window', async () => {
    await using opened = await open(rendering);
    const { page } = opened;
    const view = await press(opened, '2', ({ windowCenter }) => windowCenter === -600);
    const { imageRectangle, sopInstanceUID, windowCenter, windowWidth } = only(view);

    const clip = imageRectangle ?? expect.fail('There is no image.');
    const drawn = decodePng(await page.screenshot({ clip }));
    const reference = await renderWithDcmtk(fileOf(sopInstanceUID), windowCenter, windowWidth);

    const scaled = scale(reference, drawn.width, drawn.height);
    // The letters for the patient's sides lie at the edge.
    expect(ssim(crop(drawn, 32), crop(scaled, 32))).toBeGreaterThan(0.95);
  });

  test('goes one slice for each notch of the wheel', async () => {
    await using opened = await open(rendering);
    const { page, server } = opened;
    await page.mouse.move(700, 400);

    for (let notch = 0; notch < 12; notch += 1) await page.mouse.wheel(0, 120);
    const forward = await server.view((view) => view.viewports[0]?.sliceIndex === 12);
    await page.mouse.wheel(0, -120);
    const back = await server.view((view) => view.viewports[0]?.sliceIndex === 11);

    expect([forward, back].map((view) => only(view).sopInstanceUID)).toEqual([order[12], order[11]]);
  });

  test('changes window and level by dragging, and goes back by a key', async () => {
    await using opened = await open(rendering);
    const { page, server, view: before } = opened;

    await drag(page, [700, 300], [760, 340]);
    const dragged = await server.view((view) => only(view).windowWidth > only(before).windowWidth + 50);
    await page.mouse.move(700, 400);
    await page.mouse.wheel(0, 120);
    const nextSlice = await server.view((view) => view.viewports[0]?.sliceIndex === 1);
    const reset = await press(opened, '0', ({ windowWidth }) => windowWidth === 2000);

    expect(only(before)).toMatchObject({ windowCenter: -450, windowWidth: 2000 });
    expect(only(dragged).windowCenter).toBeGreaterThan(-450 + 30);
    expect(only(nextSlice).windowWidth).toBeGreaterThan(2050);
    expect(only(reset)).toMatchObject({ windowCenter: -450, windowWidth: 2000, sliceIndex: 1 });
  });

  test('measures a length in millimetres', async () => {
    await using opened = await open(rendering);
    const { page, server, view } = opened;
    const { zoom, sopInstanceUID } = only(view);

    await page.keyboard.press('l');
    await drag(page, [500, 300], [800, 500]);
    const expectedMm = (Math.hypot(300, 200) / zoom) * pixelSpacingMm;
    const measured = await server.view(
      ({ measurements: [first] }) => first !== undefined && Math.abs(first.lengthMm - expectedMm) < 0.5,
    );

    expect(measured.measurements.map((each) => each.sopInstanceUID)).toEqual([sopInstanceUID]);
  });
});

test('decodes every transfer syntax a hospital sends', async () => {
  await using server = await serve();
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await page.goto(`${server.origin}/workstation/?study=${encodedStudy}&mode=streamed&rendering=cpu`);
  const reference = await renderWithDcmtk(join(chest, '070.dcm'), -600, 1500);

  const similarities = new Map<string, number>();
  for (const { name, seriesInstanceUID } of encodings) {
    await page.getByRole('button', { name }).click();
    await server.view(
      ({ ready, viewports: [first] }) => ready && first?.seriesInstanceUID === seriesInstanceUID,
    );
    // The baseline one has eight bits, windowed when it was made.
    if (name !== 'JPEG baseline') {
      await page.keyboard.press('2');
      await server.view(({ viewports: [first] }) => first?.windowCenter === -600);
    }
    const clip = only(await server.view(({ ready }) => ready)).imageRectangle ?? expect.fail();
    const drawn = decodePng(await page.screenshot({ clip }));
    similarities.set(name, ssim(crop(drawn, 32), crop(scale(reference, drawn.width, drawn.height), 32)));
  }

  expect([...similarities].filter(([, similarity]) => similarity < 0.95)).toEqual([]);
  await page.close();
});

test('the picture follows the window, and zoom and inversion go back by a reset', async () => {
  await using opened = await open('cpu');
  const { page, server, view: before } = opened;

  await page.setViewportSize({ width: 900, height: 600 });
  const smaller = await server.view((view) => only(view).rectangle.width < only(before).rectangle.width);
  await press(opened, 'i', ({ invert }) => invert);
  await page.mouse.move(500, 300);
  await page.mouse.down({ button: 'right' });
  await page.mouse.move(500, 200, { steps: 5 });
  await page.mouse.up({ button: 'right' });
  await server.view((view) => Math.abs(only(view).zoom - only(smaller).zoom) > 0.05);
  const reset = await press(opened, 'Home', ({ invert }) => !invert);

  const { rectangle, imageRectangle } = only(smaller);
  expect(imageRectangle?.height).toBeCloseTo(rectangle.height);
  expect(only(reset)).toMatchObject({ imageRectangle, zoom: only(smaller).zoom, invert: false });
});

test('three planes are cut through a stack that the processor draws, and one fills the screen by a double click', async () => {
  await using opened = await open('cpu');
  const { page, server } = opened;

  await page.keyboard.press('m');
  const planes = await server.view(({ layout, ready }) => layout === 'mpr' && ready);
  await page.mouse.move(500, 400);
  await page.mouse.wheel(0, 120);
  const scrolled = await server.view(
    ({ viewports }) =>
      viewports[0] !== undefined && viewports[0].sliceIndex !== planes.viewports[0]?.sliceIndex,
  );
  await page.keyboard.press('2');
  const windowed = await server.view(({ viewports }) =>
    viewports.every(({ windowCenter }) => windowCenter === -600),
  );
  await page.mouse.dblclick(1100, 200);
  const one = await server.view(({ viewports }) => viewports.length === 1);
  await page.keyboard.press('k');
  const stack = await server.view(({ layout, ready }) => layout === 'stack' && ready);
  await page.keyboard.press('m');
  const again = await server.view(({ layout, ready }) => layout === 'mpr' && ready);

  expect(planes.viewports.map(({ id, sliceCount }) => [id, sliceCount])).toEqual([
    ['axial', 60],
    ['coronal', 512],
    ['sagittal', 512],
  ]);
  expect(Math.abs((scrolled.viewports[0]?.sliceIndex ?? 0) - (planes.viewports[0]?.sliceIndex ?? 0))).toBe(1);
  expect(windowed.viewports).toHaveLength(3);
  expect(only(one).id).toBe('coronal');
  expect(stack.rendering).toBe('cpu');
  expect(again.viewports).toHaveLength(3);
  expect(
    spread(decodePng(await page.screenshot({ clip: again.viewports[0]?.rectangle ?? expect.fail() }))),
  ).toBeGreaterThan(40);
});

describe('a page that takes the place of one that was lost', () => {
  test.each(['cpu', 'webgl'] as const)('shows the same slice in the same way, by %s', async (rendering) => {
    await using opened = await open(rendering);
    const { page, server } = opened;
    await page.mouse.move(700, 400);
    for (let notch = 0; notch < 5; notch += 1) await page.mouse.wheel(0, 120);
    await server.view(({ viewports }) => viewports[0]?.sliceIndex === 5);
    await page.keyboard.press('l');
    await drag(page, [640, 300], [800, 420]);
    // What it measures is told once more when it is drawn to its end.
    await settled(server, ({ measurements }) => measurements.length === 1);
    for (let notch = 0; notch < 7; notch += 1) await page.mouse.wheel(0, 120);
    await server.view(({ viewports }) => viewports[0]?.sliceIndex === 12);
    await drag(page, [600, 350], [760, 350]);
    await page.mouse.move(700, 300);
    await page.mouse.down({ button: 'right' });
    await page.mouse.move(700, 260, { steps: 5 });
    await page.mouse.up({ button: 'right' });
    await page.mouse.down({ button: 'middle' });
    await page.mouse.move(740, 290, { steps: 5 });
    await page.mouse.up({ button: 'middle' });
    await page.keyboard.press('1');
    await press(opened, 'i', ({ invert }) => invert);
    const before = await settled(server, ({ measurements }) => measurements.length === 2);
    await page.close();

    server.resumeWith(before);
    await using successor = await goOn(server, rendering);
    const { view: after } = successor;

    expect(after.revision).toBeGreaterThan(before.revision);
    expect(only(before).zoom).not.toBeCloseTo(only(opened.view).zoom, 1);
    expectAlike(after, before);
    await successor.page.mouse.move(700, 400);
    for (let notch = 0; notch < 7; notch += 1) await successor.page.mouse.wheel(0, -120);
    const back = await server.view(({ viewports }) => viewports[0]?.sliceIndex === 5);
    expect(back.measurements.map(({ lengthMm }) => lengthMm.toFixed(2))).toEqual(
      before.measurements.map(({ lengthMm }) => lengthMm.toFixed(2)),
    );
  });

  test('shows the same planes, also the one that covers the others', async () => {
    await using opened = await open('cpu');
    const { page, server } = opened;
    await page.mouse.move(700, 400);
    for (let notch = 0; notch < 3; notch += 1) await page.mouse.wheel(0, 120);
    await server.view(({ viewports }) => viewports[0]?.sliceIndex === 3);
    await page.keyboard.press('m');
    await server.view(({ layout, ready }) => layout === 'mpr' && ready);
    await page.mouse.move(500, 400);
    for (let notch = 0; notch < 4; notch += 1) await page.mouse.wheel(0, 120);
    await page.mouse.move(500, 300);
    await page.mouse.down({ button: 'right' });
    await page.mouse.move(500, 270, { steps: 5 });
    await page.mouse.up({ button: 'right' });
    await page.keyboard.press('2');
    await page.mouse.dblclick(1100, 200);
    const before = await settled(
      server,
      ({ viewports }) => viewports.length === 1 && viewports[0]?.windowCenter === -600,
    );
    await page.close();

    server.resumeWith(before);
    await using successor = await goOn(server, 'cpu');

    expectAlike(successor.view, before);
    expect(successor.view.resumption?.viewpoints).toHaveLength(3);
    await successor.page.keyboard.press('k');
    const stack = await server.view(({ layout, ready }) => layout === 'stack' && ready);
    expect(only(stack).sliceIndex).toBe(3);
  });
});

test('in a frame it waits for the study token, sends it with every request, and tells its view to the page around it', async () => {
  await using server = await serve();
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });

  await page.goto(`${server.origin}/viewer?study=${study}`);
  const view = await page.waitForFunction(() =>
    (globalThis as unknown as { views: ViewState[] }).views.find(({ ready }) => ready),
  );

  expect(only((await view.jsonValue()) ?? expect.fail()).sopInstanceUID).toBe(order[0]);
  expect(new Set(server.authorizations)).toEqual(new Set(['Bearer token-of-the-study']));
  await page.close();
});

test('an address that opens no study says what is wrong with it', async () => {
  await using server = await serve();
  const page = await browser.newPage();

  await page.goto(`${server.origin}/workstation/?study=x&mode=streamed`);

  expect(await page.getByRole('listitem').allTextContents()).toEqual([
    'study: not a DICOM UID',
    'rendering: missing',
  ]);
  await page.close();
});

test('a study the archive does not have is said in words', async () => {
  await using server = await serve();
  const page = await browser.newPage();

  await page.goto(`${server.origin}/workstation/?study=1.2.3&mode=streamed&rendering=cpu`);

  await page.getByText(/^The archive does not have this study$|^This study has no series$/).waitFor();
  await page.close();
});

interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly server: PageServer;
  /** The first one that shows a picture. */
  readonly view: ViewState;
}

async function open(rendering: 'cpu' | 'webgl'): Promise<Opened> {
  const server = await serve();
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await page.goto(`${server.origin}/workstation/?study=${study}&mode=streamed&rendering=${rendering}`);
  const view = await server.view(({ ready }) => ready);
  const dispose = async () => {
    await page.close();
    await server[Symbol.asyncDispose]();
  };
  return { page, server, view, [Symbol.asyncDispose]: dispose };
}

async function goOn(server: PageServer, rendering: 'cpu' | 'webgl'): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await page.goto(`${server.origin}/workstation/?study=${study}&mode=streamed&rendering=${rendering}`);
  const view = await settled(server, ({ ready }) => ready);
  return { page, server, view, [Symbol.asyncDispose]: async () => page.close() };
}

/** A page tells what it shows while it draws: what it has come to when it tells no more. */
async function settled(server: PageServer, fits: (view: ViewState) => boolean): Promise<ViewState> {
  let latest: ViewState | undefined;
  await expect
    .poll(
      async () => {
        const before = latest?.revision;
        latest = await server.view(fits);
        return latest.revision === before;
      },
      { interval: 600, timeout: 20_000 },
    )
    .toBe(true);
  return latest ?? expect.fail();
}

/** All that is told, but for the last digits. */
function expectAlike(after: ViewState, before: ViewState): void {
  const rounded = ({ revision, ...view }: ViewState): unknown =>
    JSON.parse(
      JSON.stringify({ ...view, revision: revision * 0 }, (_key, value: unknown) =>
        typeof value === 'number' ? Math.round(value * 100) / 100 + 0 : value,
      ),
    );
  expect(rounded(after)).toEqual(rounded(before));
}

async function press(
  { page, server }: Opened,
  key: string,
  fits: (viewport: ViewportState) => boolean,
): Promise<ViewState> {
  await page.keyboard.press(key);
  return server.view(({ viewports: [viewport] }) => viewport !== undefined && fits(viewport));
}

async function drag(page: Page, [x1, y1]: [number, number], [x2, y2]: [number, number]): Promise<void> {
  await page.mouse.move(x1, y1);
  await page.mouse.down();
  await page.mouse.move(x2, y2, { steps: 8 });
  await page.mouse.up();
}

/** The standard deviation of the grey values: none in a picture that is not one. */
function spread({ grey }: Picture): number {
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  return Math.sqrt(grey.reduce((sum, value) => sum + (value - mean) ** 2, 0) / grey.length);
}

function only({ viewports }: ViewState): ViewportState {
  const [viewport, ...others] = viewports;
  if (!viewport || others.length > 0) throw new Error(`There are ${viewports.length} viewports.`);
  return viewport;
}

function fileOf(sopInstanceUID: string | null): string {
  return files.get(sopInstanceUID ?? '') ?? expect.fail('This slice is not of the test data.');
}

async function askArchive(dicomwebUrl: string): Promise<{ study: string; order: readonly string[] }> {
  const ask = async (path: string) =>
    z.array(dicomObjectSchema).parse(await (await fetch(`${dicomwebUrl}${path}`)).json());
  const [found] = await ask('/studies');
  const uid = z.string().parse(found?.['0020000D']?.Value?.[0]);
  const place = (instance: DicomObject) => numbers(instance, 'ImagePositionPatient')[2] ?? 0;
  const instances = await ask(`/studies/${uid}/metadata`);
  return {
    study: uid,
    order: instances
      .toSorted((a, b) => place(a) - place(b))
      .map((instance) => text(instance, 'SOPInstanceUID')),
  };
}

async function readFileNames(): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(chest)).toSorted().map((name) => join(chest, name));
  const { stdout } = await promisify(execFile)('dcmdump', ['+P', 'SOPInstanceUID', ...names]);
  const uids = [...stdout.matchAll(/\[([0-9.]+)\]/g)].map(([, uid]) => uid ?? '');
  return new Map(uids.map((uid, index) => [uid, names[index] ?? '']));
}
