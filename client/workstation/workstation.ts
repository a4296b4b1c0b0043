import type { Types } from '@cornerstonejs/core';
import type { Resumption, ViewState } from '@medusa/protocol';
import { AppError } from '@medusa/protocol';
import {
  canUseWebgl,
  isLoaded,
  loadImage,
  registerImage,
  startCornerstone,
  type Rendering,
} from './cornerstone.ts';
import type { DicomObject } from './dicom-object.ts';
import { createDicomwebClient, type DicomwebClient } from './dicomweb-client.ts';
import { toToolName, type Display, type LoadedSeries, type ToolName } from './display.ts';
import { listenToKeys } from './keyboard.ts';
import {
  listMeasurements,
  onMeasurementsChanged,
  readAnnotations,
  removeSelectedMeasurements,
  restoreAnnotations,
} from './measurements.ts';
import { MprDisplay } from './mpr-display.ts';
import { createNotice, type Notice } from './notice.ts';
import type { Parameters } from './parameters.ts';
import { prefetch } from './prefetch.ts';
import type { Surroundings } from './reporting.ts';
import { indexOf, resumedOf, windowOf } from './resume.ts';
import { onScreensChanged } from './screens.ts';
import { createSeriesRail, type SeriesRail } from './series-rail.ts';
import { hasPictures, isVolume, sortSeries, toImages, toSeriesEntry, type SeriesEntry } from './series.ts';
import type { DisplayOptions } from './stack-display.ts';
import { StackPair } from './stack-pair.ts';
import { createToolbar, type Commands, type Toolbar } from './toolbar.ts';
import { createViewStateTeller } from './view-state.ts';

interface Rooms {
  readonly toolbar: HTMLElement;
  readonly rail: HTMLElement;
  readonly stage: HTMLElement;
  readonly notices: HTMLElement;
}

/** The viewing application: one study, its series list, and one display at a time. */
export class Workstation {
  readonly #parameters: Parameters;
  /** As the address says, but never by WebGL where there is none. */
  readonly #rendering: Rendering;
  readonly #surroundings: Surroundings;
  readonly #rooms: Rooms;
  readonly #archive: DicomwebClient;
  readonly #notice: Notice;
  readonly #toolbar: Toolbar;
  readonly #teller: ReturnType<typeof createViewStateTeller>;
  readonly #loaded = new Map<string, LoadedSeries>();
  readonly #sopInstances = new Map<string, string>();
  #rail: SeriesRail | null = null;
  #series: LoadedSeries | null = null;
  #display: Display | null = null;
  #tool: ToolName = 'WindowLevel';
  #layout: Display['layout'] = 'stack';
  #sliceIndex = 0;
  /** Why the series cannot be shown in three planes, '' where it can. */
  #mprRefusal = '';
  /** Ends what the series or layout chosen before still waits for. */
  #opening = new AbortController();
  /** The series chosen last has its first picture on the screen, or it will have none. */
  #shown = Promise.withResolvers<undefined>();

  constructor(parameters: Parameters, surroundings: Surroundings, rooms: Rooms) {
    this.#parameters = parameters;
    this.#rendering = canUseWebgl() ? parameters.rendering : 'cpu';
    this.#surroundings = surroundings;
    this.#rooms = rooms;
    this.#archive = createDicomwebClient({
      root: `${location.origin}/dicomweb`,
      studyInstanceUID: parameters.study,
      authorization: () => surroundings.authorization(),
    });
    const commands = this.#commands();
    this.#toolbar = createToolbar(rooms.toolbar, commands);
    this.#notice = createNotice(rooms.notices);
    this.#teller = createViewStateTeller(
      () => this.#view(),
      (view) => {
        surroundings.report(view);
      },
      (frame) => requestAnimationFrame(frame),
    );
    listenToKeys(document, commands);
    rooms.stage.addEventListener('contextmenu', (event) => {
      event.preventDefault();
    });
    new ResizeObserver(() => this.#display?.resize()).observe(rooms.stage);
    onScreensChanged(() => this.#display?.resize());
  }

  async start(): Promise<void> {
    const { signal } = this.#opening;
    // The archive answers while Cornerstone sets itself up.
    const asked = this.#askForStudy(signal);
    asked.catch(() => undefined);
    startCornerstone(() => this.#surroundings.authorization());
    onMeasurementsChanged(() => {
      this.#changed();
    });
    this.#changed();
    this.#notice.busy('Waiting for access to the study');
    await this.#surroundings.authorized;
    this.#notice.busy('Loading the list of series');
    try {
      const [entries, resumed] = await asked;
      await this.#openStudy(sortSeries(entries.map(toSeriesEntry)), resumed);
    } catch (error) {
      this.#fail(error, signal);
    }
  }

  async #askForStudy(signal: AbortSignal): Promise<[readonly DicomObject[], ViewState | null]> {
    await this.#surroundings.authorized;
    return Promise.all([this.#archive.findSeries(signal), this.#surroundings.viewToResume()]);
  }

  async #openStudy(entries: readonly SeriesEntry[], resumed: ViewState | null): Promise<void> {
    if (entries.length === 0) {
      this.#notice.state('This study has no series', 'The archive knows the study but holds nothing of it.');
      return;
    }
    this.#rail = createSeriesRail(this.#rooms.rail, entries, (entry) => void this.#open(entry));
    const seriesInstanceUID = resumed?.viewports[0]?.seriesInstanceUID;
    const known = entries.find((entry) => entry.seriesInstanceUID === seriesInstanceUID);
    const first = entries.find(hasPictures) ?? entries[0];
    if (known && resumed) await this.#resume(known, resumed);
    else if (first) await this.#open(first);
    await this.#showThumbnails(entries);
  }

  /** Goes on where a page ended that was lost. Until all is as it was, nothing is told to be shown. */
  async #resume(entry: SeriesEntry, view: ViewState): Promise<void> {
    this.#teller.goOnFrom(view.revision);
    this.#tool = toToolName(view.tool) ?? this.#tool;
    this.#rooms.rail.hidden = view.resumption?.isRailHidden ?? false;
    restoreAnnotations(view.resumption?.annotations ?? []);
    await this.#open(entry, view);
  }

  async #open(entry: SeriesEntry, resumed: ViewState | null = null): Promise<void> {
    this.#begin();
    this.#series = null;
    this.#sliceIndex = 0;
    this.#layout = 'stack';
    this.#rail?.select(entry);
    this.#notice.busy(`Loading ${entry.description || 'the series'}`);
    this.#changed();
    const { signal } = this.#opening;
    try {
      const series = await this.#load(entry, signal);
      signal.throwIfAborted();
      if (series.images.length === 0) {
        this.#shown.resolve(undefined);
        this.#notice.state('This series has no pictures', explainNoPictures(entry));
        return;
      }
      this.#series = series;
      this.#mprRefusal = isVolume(series.images)
        ? webglRefusal()
        : 'MPR needs a series of parallel, evenly spaced slices';
      await this.#openLayout(series, resumed);
    } catch (error) {
      this.#fail(error, signal);
    }
  }

  async #openLayout(series: LoadedSeries, resumed: ViewState | null): Promise<void> {
    if (resumed) this.#sliceIndex = indexOf(series, resumed);
    if (resumed?.layout !== 'mpr' || this.#mprRefusal !== '') this.#openStack(series, resumed);
    else {
      this.#layout = 'mpr';
      await this.#openMpr(series, resumed);
    }
  }

  #openStack(series: LoadedSeries, resumed: ViewState | null = null): void {
    const options = this.#displayOptions(series, resumed);
    this.#display = StackPair.create(options, this.#rendering, this.#sliceIndex);
    this.#changed();
    void this.#prefetchAround(series);
  }

  /** The slice that somebody waits for has the processor and the link to itself. */
  async #prefetchAround(series: LoadedSeries): Promise<void> {
    const { signal } = this.#opening;
    await this.#shown.promise;
    if (!signal.aborted) await this.#prefetch(series);
  }

  async #openMpr(series: LoadedSeries, resumed: ViewState | null = null): Promise<void> {
    const { signal } = this.#opening;
    this.#notice.busy('Loading the volume');
    try {
      const { failed } = await this.#prefetch(series);
      if (failed > 0) throw new AppError('storage.unreachable', 'A volume needs every image of the series.');
      this.#display = await MprDisplay.create(this.#displayOptions(series, resumed), signal);
      this.#changed();
    } catch (error) {
      this.#fail(error, signal);
    }
  }

  #displayOptions(series: LoadedSeries, resumed: ViewState | null): DisplayOptions {
    const { signal } = this.#opening;
    return {
      stage: this.#rooms.stage,
      series,
      tool: this.#tool,
      window: resumed && windowOf(resumed),
      resumed: resumed && resumedOf(resumed, this.#layout),
      onChange: () => {
        if (signal.aborted) return;
        this.#shown.resolve(undefined);
        this.#notice.clear();
        this.#changed();
      },
      onFailure: (error) => {
        this.#fail(error, signal);
      },
    };
  }

  /** Ends the display there is. */
  #begin(): void {
    this.#opening.abort();
    this.#opening = new AbortController();
    this.#shown.resolve(undefined);
    this.#shown = Promise.withResolvers();
    this.#display?.close();
    this.#display = null;
  }

  async #load(entry: SeriesEntry, signal: AbortSignal): Promise<LoadedSeries> {
    const known = this.#loaded.get(entry.seriesInstanceUID);
    if (known) return known;

    const images = hasPictures(entry) ? toImages(await this.#archive.loadMetadata(entry, signal)) : [];
    const imageIds = images.map((image) => {
      const imageId = registerImage(this.#archive.frameUrl(entry.seriesInstanceUID, image), image.instance);
      this.#sopInstances.set(imageId, image.sopInstanceUID);
      return imageId;
    });
    const series = { entry, images, imageIds };
    this.#loaded.set(entry.seriesInstanceUID, series);
    if (images.length > 0) this.#rail?.showCount(entry, images.length);
    return series;
  }

  async #prefetch({ imageIds }: LoadedSeries): Promise<{ failed: number }> {
    return prefetch(
      {
        imageIds,
        currentIndex: () => this.#currentIndex(),
        isLoaded,
        load: async (imageId) => this.#loadImage(imageId),
        concurrency: 4,
        onProgress: (progress) => {
          this.#notice.progress(progress);
        },
      },
      this.#opening.signal,
    );
  }

  async #showThumbnails(entries: readonly SeriesEntry[]): Promise<void> {
    await this.#shown.promise;
    for (const entry of entries.filter(hasPictures)) {
      try {
        const { imageIds } = await this.#load(entry, new AbortController().signal);
        const middle = imageIds[Math.floor(imageIds.length / 2)];
        if (middle !== undefined) this.#rail?.showThumbnail(entry, await this.#loadImage(middle));
      } catch {
        // The row keeps its modality for a picture; whoever opens the series is told what is wrong.
      }
    }
  }

  async #loadImage(imageId: string): Promise<Types.IImage> {
    return loadImage(imageId, this.#rendering);
  }

  #currentIndex(): number {
    return this.#display instanceof StackPair ? this.#display.sliceIndex : this.#sliceIndex;
  }

  #commands(): Commands {
    return {
      chooseTool: (tool) => {
        if (tool === 'Crosshairs' && this.#layout !== 'mpr') return;
        this.#tool = tool;
        this.#display?.setTool(tool);
        this.#changed();
      },
      choosePreset: ({ window }) => {
        if (window && this.#series?.entry.modality !== 'CT') return;
        this.#display?.setWindow(window);
      },
      chooseLayout: (layout) => {
        this.#chooseLayout(layout);
      },
      toggleInvert: () => this.#display?.toggleInvert(),
      toggleRail: () => {
        this.#rooms.rail.hidden = !this.#rooms.rail.hidden;
        this.#changed();
      },
      reset: () => this.#display?.reset(),
      scroll: (slices) => this.#display?.scroll(slices),
      removeSelected: () => {
        removeSelectedMeasurements();
      },
    };
  }

  #chooseLayout(layout: Display['layout']): void {
    const series = this.#series;
    if (!series || layout === this.#layout || (layout === 'mpr' && this.#mprRefusal !== '')) return;
    this.#sliceIndex = this.#currentIndex();
    this.#begin();
    this.#layout = layout;
    if (layout === 'mpr') void this.#openMpr(series);
    else {
      if (this.#tool === 'Crosshairs') this.#tool = 'WindowLevel';
      this.#openStack(series);
    }
    this.#changed();
  }

  #changed(): void {
    this.#toolbar.show({
      tool: this.#tool,
      layout: this.#layout,
      isInverted: this.#display?.states()?.some(({ invert }) => invert) ?? false,
      hasPicture: this.#series !== null,
      isCt: this.#series?.entry.modality === 'CT',
      mprRefusal: this.#mprRefusal,
    });
    this.#teller.changed();
  }

  #view(): Omit<ViewState, 'revision'> {
    const viewports = this.#display?.states() ?? null;
    return {
      studyInstanceUID: this.#parameters.study,
      layout: this.#layout,
      tool: this.#tool,
      rendering: this.#layout === 'mpr' ? 'webgl' : this.#rendering,
      activeViewportId: this.#display?.activeViewportId ?? this.#layout,
      ready: viewports !== null,
      viewports: [...(viewports ?? [])],
      measurements: listMeasurements((imageId) => this.#sopInstances.get(imageId) ?? null),
      ...(viewports && { resumption: this.#resumption() }),
    };
  }

  #resumption(): Resumption {
    return {
      page: { widthPx: innerWidth, heightPx: innerHeight },
      viewpoints: [...(this.#display?.viewpoints() ?? [])],
      isMaximised: this.#display?.isMaximised ?? false,
      isWindowChosen: (this.#display?.window ?? null) !== null,
      stackIndex: this.#currentIndex(),
      isRailHidden: this.#rooms.rail.hidden === true,
      annotations: readAnnotations(),
    };
  }

  /** What failed after the user went on to something else is no news any more. */
  #fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#shown.resolve(undefined);
    this.#notice.state(
      'The pictures cannot be shown',
      error instanceof AppError ? error.message : 'An image could not be loaded or decoded.',
    );
    this.#changed();
  }
}

function webglRefusal(): string {
  return canUseWebgl() ? '' : 'MPR needs WebGL, which this browser does not offer';
}

function explainNoPictures({ modality }: SeriesEntry): string {
  const names: Readonly<Record<string, string>> = {
    SR: 'It is a structured report.',
    PR: 'It is a presentation state.',
    KO: 'It is a selection of key objects.',
    DOC: 'It is a document.',
  };
  return names[modality] ?? `Its objects (${modality || 'no modality given'}) hold no pixels.`;
}
