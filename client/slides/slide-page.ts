import { AppError, type ViewState } from '@medusa/protocol';
import { numbers, readableDate, text, type DicomObject } from '../workstation/dicom-object.ts';
import { createDicomwebClient, type DicomwebClient } from '../workstation/dicomweb-client.ts';
import { createNotice, type Notice } from '../workstation/notice.ts';
import type { Parameters } from '../workstation/parameters.ts';
import type { Surroundings } from '../workstation/reporting.ts';
import { sortSeries, toSeriesEntry, type SeriesEntry } from '../workstation/series.ts';
import { createViewStateTeller } from '../workstation/view-state.ts';
import { createSlideArchive } from './slide-archive.ts';
import { frameAt, levelIndexAt, slideRectangle, type SlideViewpoint } from './slide-geometry.ts';
import { toSlide, type Slide } from './slide-metadata.ts';
import { createSlideRail, type SlideRail } from './slide-rail.ts';
import { createSlideStatus, type SlideStatus } from './slide-status.ts';
import {
  createSlideToolbar,
  listenToSlideKeys,
  type SlideCommands,
  type SlideToolbar,
} from './slide-toolbar.ts';
import { SlideView } from './slide-view.ts';

interface Rooms {
  readonly toolbar: HTMLElement;
  readonly rail: HTMLElement;
  readonly stage: HTMLElement;
  readonly status: HTMLElement;
  readonly notices: HTMLElement;
}

/** The slide viewer: the whole-slide images of one study, one at a time. */
export class SlidePage {
  readonly #parameters: Parameters;
  readonly #surroundings: Surroundings;
  readonly #rooms: Rooms;
  readonly #archive: DicomwebClient;
  readonly #notice: Notice;
  readonly #toolbar: SlideToolbar;
  readonly #status: SlideStatus;
  readonly #rail: SlideRail;
  readonly #teller: ReturnType<typeof createViewStateTeller>;
  #entries: readonly SeriesEntry[] = [];
  #slide: Slide | null = null;
  #view: SlideView | null = null;
  #isComplete = false;
  /** Ends what the slide chosen before still waits for. */
  #opening = new AbortController();

  constructor(parameters: Parameters, surroundings: Surroundings, rooms: Rooms) {
    this.#parameters = parameters;
    this.#surroundings = surroundings;
    this.#rooms = rooms;
    this.#archive = createDicomwebClient({
      root: `${location.origin}/dicomweb`,
      studyInstanceUID: parameters.study,
      authorization: () => surroundings.authorization(),
    });
    const commands = this.#commands();
    this.#toolbar = createSlideToolbar(rooms.toolbar, commands);
    this.#status = createSlideStatus(rooms.status);
    this.#notice = createNotice(rooms.notices);
    this.#rail = createSlideRail(rooms.rail, (entry) => void this.#open(entry));
    this.#teller = createViewStateTeller(
      () => this.#state(),
      (view) => {
        surroundings.report(view);
      },
      (frame) => requestAnimationFrame(frame),
    );
    listenToSlideKeys(document, commands);
    rooms.stage.addEventListener('contextmenu', (event) => {
      event.preventDefault();
    });
  }

  async start(): Promise<void> {
    const { signal } = this.#opening;
    this.#changed();
    this.#notice.busy('Waiting for access to the study');
    await this.#surroundings.authorized;
    this.#notice.busy('Loading the list of slides');
    try {
      const [found, resumed] = await Promise.all([
        this.#archive.findSeries(signal),
        this.#surroundings.viewToResume(),
      ]);
      if (resumed) this.#teller.goOnFrom(resumed.revision);
      this.#entries = sortSeries(found.map(toSeriesEntry)).filter(({ modality }) => modality === 'SM');
      this.#rail.list(this.#entries);
      const [shown] = resumed?.viewports ?? [];
      const known = this.#entries.find(
        ({ seriesInstanceUID }) => seriesInstanceUID === shown?.seriesInstanceUID,
      );
      const first = known ?? this.#entries[0];
      if (first) await this.#open(first, known && shown?.slide ? shown.slide : null);
      else this.#notice.state('This study has no slides', 'None of its series is slide microscopy (SM).');
    } catch (error) {
      this.#fail(error, signal);
    }
  }

  async #open(entry: SeriesEntry, resumed: SlideViewpoint | null = null): Promise<void> {
    this.#opening.abort();
    this.#opening = new AbortController();
    const { signal } = this.#opening;
    this.#end();
    this.#rail.select(entry);
    this.#notice.busy(`Loading ${entry.description || 'the slide'}`);
    try {
      const instances = await this.#archive.loadMetadata(entry, signal);
      signal.throwIfAborted();
      const slide = toSlide(instances);
      if (slide) this.#show(slide, instances[0], resumed);
      else
        this.#notice.state(
          'This series has no whole-slide image',
          'The workstation may be able to show its pictures.',
        );
    } catch (error) {
      this.#fail(error, signal);
    }
  }

  #show(slide: Slide, instance: DicomObject | undefined, resumed: SlideViewpoint | null): void {
    if (!canDraw())
      throw new AppError('storage.unreachable', 'Slides need WebGL, which this browser does not offer.');
    const { signal } = this.#opening;
    const levels = new Map(slide.metadata.map((each) => [text(each, 'SOPInstanceUID'), each]));
    let failure: AppError | null = null;
    let loaded = 0;
    this.#slide = slide;
    this.#status.describe(instance ? descriptionOf(instance, slide) : []);
    this.#view = new SlideView({
      stage: this.#rooms.stage,
      slide,
      resumed,
      archive: createSlideArchive({
        root: `${location.origin}/dicomweb`,
        authorization: () => this.#surroundings.authorization(),
        isColour: (uid) => numbers(levels.get(uid) ?? {}, 'SamplesPerPixel')[0] !== 1,
        colorSpace: matchMedia('(color-gamut: p3)').matches ? 'display-p3' : 'srgb',
        onProgress: (progress) => {
          loaded = Math.max(loaded, progress.loaded);
          if (!signal.aborted) this.#notice.progress(progress);
        },
        onFailure: (error) => {
          failure = error;
        },
      }),
      onChange: () => {
        if (!signal.aborted) this.#changed();
      },
      onComplete: () => {
        if (signal.aborted) return;
        if (loaded > 0) this.#complete();
        else if (failure) this.#fail(failure, signal);
      },
    });
  }

  #complete(): void {
    this.#notice.clear();
    this.#isComplete = true;
    this.#changed();
  }

  /** Ends the slide there is. */
  #end(): void {
    this.#view?.[Symbol.dispose]();
    this.#view = null;
    this.#slide = null;
    this.#isComplete = false;
    this.#status.clear();
    this.#changed();
  }

  #commands(): SlideCommands {
    return {
      zoom: (steps) => this.#view?.zoom(steps),
      pan: (direction) => this.#view?.pan(direction),
      fit: () => this.#view?.fit(),
      showPixels: () => this.#view?.showPixels(),
      toggleOverview: () => this.#view?.toggleOverview(),
      chooseNext: (step) => {
        const index = this.#entries.findIndex(
          ({ seriesInstanceUID }) => seriesInstanceUID === this.#slide?.seriesInstanceUID,
        );
        const next = index < 0 ? undefined : this.#entries[index + step];
        if (next) void this.#open(next);
      },
    };
  }

  #changed(): void {
    const view = this.#view;
    this.#toolbar.show({
      hasSlide: view !== null,
      hasOverview: view?.hasOverview ?? false,
      isOverviewOn: view?.isOverviewShown ?? false,
    });
    if (view && this.#slide) this.#status.show(this.#slide, view.viewpoint);
    this.#teller.changed();
  }

  #state(): Omit<ViewState, 'revision'> {
    return {
      studyInstanceUID: this.#parameters.study,
      layout: 'slide',
      tool: 'Pan',
      rendering: 'webgl',
      activeViewportId: 'slide',
      ready: this.#isComplete,
      viewports: this.#slide && this.#view ? [this.#viewport(this.#slide, this.#view.viewpoint)] : [],
      measurements: [],
    };
  }

  #viewport(slide: Slide, viewpoint: SlideViewpoint): ViewState['viewports'][number] {
    const index = levelIndexAt(slide.levels, viewpoint.resolution);
    const { x, y, width, height } = this.#rooms.stage.getBoundingClientRect();
    const base = slide.levels.at(-1);
    const image = base && slideRectangle(base, viewpoint, { width, height });
    return {
      id: 'slide',
      kind: 'slide',
      rectangle: { x, y, width, height },
      imageRectangle: image ? { ...image, x: x + image.x, y: y + image.y } : null,
      seriesInstanceUID: slide.seriesInstanceUID,
      sopInstanceUID: slide.levels[index]?.sopInstanceUID ?? null,
      frame: frameAt(slide, index, viewpoint),
      sliceIndex: index,
      sliceCount: slide.levels.length,
      // Slides have colours and no window: that of 8 bits changes nothing.
      ...{ windowCenter: 128, windowWidth: 256 },
      zoom: 1 / viewpoint.resolution,
      invert: false,
      slide: viewpoint,
    };
  }

  /** What failed after the user went on to something else is no news any more. */
  #fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#end();
    this.#notice.state(
      'The slide cannot be shown',
      error instanceof AppError ? error.message : 'What the archive says of it does not fit together.',
    );
  }
}

function descriptionOf(instance: DicomObject, slide: Slide): string[] {
  const patient = [text(instance, 'PatientName'), text(instance, 'PatientID')].filter((part) => part !== '');
  return [
    patient.join('   '),
    [text(instance, 'StudyDescription'), readableDate(text(instance, 'StudyDate'))]
      .filter((part) => part !== '')
      .join('   '),
    [text(instance, 'SeriesDescription'), slide.container].filter((part) => part !== '').join('   '),
  ];
}

function canDraw(): boolean {
  const context =
    document.createElement('canvas').getContext('webgl2') ??
    document.createElement('canvas').getContext('webgl');
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}
