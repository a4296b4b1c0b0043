import * as core from '@cornerstonejs/core';
import type { Viewpoint, ViewportState } from '@medusa/protocol';
import { chooseRendering } from './cornerstone.ts';
import type { Display, Resumed, ToolName } from './display.ts';
import { cameraAxes, rectangleOf } from './geometry.ts';
import { keepPictureWhile } from './keep-picture.ts';
import { edgeLetters } from './orientation.ts';
import { createOverlay, describePicture, type Overlay } from './overlay.ts';
import { toVoiRange, toWindow, type VoiWindow } from './presets.ts';
import type { DisplayOptions } from './stack-display.ts';
import { createToolGroup, dragEvent, isPrimaryDrag, type ToolGroup } from './tool-group.ts';
import { toCamera, toViewpoint } from './viewpoint.ts';
import { createNotchCounter } from './wheel.ts';

const engineId = 'mpr';
const toolNames: readonly ToolName[] = ['WindowLevel', 'Zoom', 'Pan', 'StackScroll', 'Length', 'Crosshairs'];

/** The colour of a plane is that of its line in the other two. */
const planes = [
  { id: 'axial', name: 'Axial', orientation: core.Enums.OrientationAxis.AXIAL, color: '#e0635c' },
  { id: 'coronal', name: 'Coronal', orientation: core.Enums.OrientationAxis.CORONAL, color: '#5fbf72' },
  { id: 'sagittal', name: 'Sagittal', orientation: core.Enums.OrientationAxis.SAGITTAL, color: '#6f9df0' },
] as const;

/** Cornerstone gives a single slice a thickness below this. */
const thinnestSlabMm = 0.1;

interface PlaneView {
  readonly id: string;
  readonly name: string;
  readonly element: HTMLDivElement;
  readonly viewport: core.VolumeViewport;
  readonly overlay: Overlay;
  shown: ViewportState | null;
}

/** Three planes through one volume, tied together by crosshairs and one window. */
export class MprDisplay implements Display {
  readonly layout = 'mpr';
  readonly #options: DisplayOptions;
  readonly #volumeId: string;
  readonly #grid: HTMLDivElement;
  readonly #engine: core.RenderingEngine;
  readonly #views: readonly PlaneView[];
  readonly #tools: ToolGroup;
  #active: PlaneView;
  #maximised: PlaneView | null = null;
  #tool: ToolName;
  #window: VoiWindow | null;
  #headerWindow: VoiWindow | null = null;
  #invert = false;
  /** What is drawn on the way there is nothing to be told of. */
  #isResuming: boolean;

  /** Every image of the series is in Cornerstone's cache before: the volume is put together from them. */
  static async create(options: DisplayOptions, signal: AbortSignal): Promise<MprDisplay> {
    signal.throwIfAborted();
    const volumeId = `cornerstoneStreamingImageVolume:${options.series.entry.seriesInstanceUID}`;
    const volume = await core.volumeLoader.createAndCacheVolume(volumeId, {
      imageIds: [...options.series.imageIds],
    });
    signal.throwIfAborted();
    const display = new MprDisplay(options, volumeId);
    try {
      (volume as core.StreamingImageVolume).load(() => undefined);
      await display.#show();
      signal.throwIfAborted();
    } catch (error) {
      display.close();
      throw error;
    }
    return display;
  }

  private constructor(options: DisplayOptions, volumeId: string) {
    this.#options = options;
    this.#volumeId = volumeId;
    this.#tool = options.tool;
    this.#window = options.window;
    this.#isResuming = options.resumed !== null;
    this.#grid = document.createElement('div');
    this.#grid.className = 'mpr';
    options.stage.replaceChildren(this.#grid);

    chooseRendering('webgl');
    this.#engine = new core.RenderingEngine(engineId);
    this.#views = planes.map(({ id, name, orientation, color }) => {
      const element = document.createElement('div');
      element.style.setProperty('--plane', color);
      element.className = `viewport plane-${id}`;
      this.#grid.append(element);
      this.#engine.enableElement({
        viewportId: id,
        type: core.Enums.ViewportType.ORTHOGRAPHIC,
        element,
        defaultOptions: { background: [0, 0, 0], orientation },
      });
      const viewport = this.#engine.getViewport<core.VolumeViewport>(id);
      return { id, name, element, viewport, overlay: createOverlay(element), shown: null };
    });
    const [axial] = this.#views;
    if (!axial) throw new Error('There is no plane to show.');
    this.#active = axial;
    this.#activate(axial);
    for (const view of this.#views) this.#listen(view);
    this.#tools = createToolGroup({
      id: engineId,
      renderingEngineId: engineId,
      viewportIds: planes.map(({ id }) => id),
      toolNames,
      lineColor: (viewportId) => planes.find(({ id }) => id === viewportId)?.color ?? '',
    });
  }

  get activeViewportId(): string {
    return this.#active.id;
  }

  get window(): VoiWindow | null {
    return this.#window;
  }

  states(): readonly ViewportState[] | null {
    const visible = this.#views.filter((view) => this.#maximised === null || this.#maximised === view);
    const states = visible.flatMap(({ shown }) => shown ?? []);
    return states.length === visible.length ? states : null;
  }

  get isMaximised(): boolean {
    return this.#maximised !== null;
  }

  viewpoints(): readonly Viewpoint[] {
    return this.#views.flatMap(
      ({ id, viewport }) => toViewpoint(id, viewport.getCamera(), slabOf(viewport)) ?? [],
    );
  }

  setTool(tool: ToolName): void {
    this.#tool = tool;
    this.#tools.setTool(tool);
  }

  setWindow(window: VoiWindow | null): void {
    this.#window = window;
    const applied = window ?? this.#headerWindow;
    if (!applied) return;
    for (const { viewport } of this.#views) {
      viewport.setProperties({ voiRange: toVoiRange(applied) }, undefined, true);
    }
    this.#engine.render();
  }

  toggleInvert(): void {
    this.#setInvert(!this.#invert);
    this.#engine.render();
  }

  scroll(slices: number): void {
    const { viewport } = this.#active;
    core.utilities.scroll(viewport as core.Types.IViewport, {
      delta: slices,
      volumeId: viewport.getVolumeId(),
    });
  }

  reset(): void {
    for (const { viewport } of this.#views) viewport.resetCamera();
    this.#setInvert(false);
    this.setWindow(null);
  }

  resize(): void {
    const resizeAll = this.#views.reduceRight<() => void>(
      (inner, { viewport }) =>
        () => {
          keepPictureWhile(viewport.canvas, inner);
        },
      () => {
        this.#engine.resize(true, true);
      },
    );
    resizeAll();
  }

  close(): void {
    this.#tools.close();
    this.#engine.destroy();
    // Its texture belongs to the drawing context that has just gone; the images stay in the cache.
    core.cache.removeVolumeLoadObject(this.#volumeId);
    this.#grid.remove();
  }

  async #show(): Promise<void> {
    await core.setVolumesForViewports(
      this.#engine,
      [{ volumeId: this.#volumeId }],
      planes.map(({ id }) => id),
    );
    const range = rangeOf(this.#active.viewport);
    this.#headerWindow = range ? toWindow(range) : null;
    this.setWindow(this.#window);
    // Before the crosshairs look for the point that the planes have in common.
    if (this.#options.resumed) this.#resume(this.#options.resumed);
    this.#tools.setTool(this.#tool);
    this.#engine.render();
  }

  #resume({ viewpoints, activeViewportId, isMaximised, isInverted }: Resumed): void {
    for (const { id, viewport } of this.#views) {
      const viewpoint = viewpoints.find(({ viewportId }) => viewportId === id);
      if (!viewpoint) continue;
      viewport.setCamera(toCamera(viewpoint));
      if (viewpoint.slabThicknessMm === null) continue;
      viewport.setBlendMode(core.Enums.BlendModes.MAXIMUM_INTENSITY_BLEND);
      viewport.setSlabThickness(viewpoint.slabThicknessMm);
    }
    this.#setInvert(isInverted);
    const active = this.#views.find(({ id }) => id === activeViewportId) ?? this.#active;
    this.#activate(active);
    if (isMaximised) this.#maximise(active);
    this.#isResuming = false;
  }

  #setInvert(invert: boolean): void {
    this.#invert = invert;
    for (const { viewport } of this.#views) viewport.setProperties({ invert });
  }

  #listen(view: PlaneView): void {
    const { element, viewport } = view;
    const countNotches = createNotchCounter();
    element.addEventListener(core.Enums.Events.IMAGE_RENDERED, () => {
      this.#describe(view);
    });
    element.addEventListener('pointerdown', () => {
      this.#activate(view);
    });
    element.addEventListener('dblclick', () => {
      this.#maximise(view);
    });
    element.addEventListener(dragEvent, (event) => {
      const range = rangeOf(viewport);
      if (this.#tool === 'WindowLevel' && isPrimaryDrag(event) && range) this.setWindow(toWindow(range));
    });
    element.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        this.#activate(view);
        this.scroll(countNotches(event));
      },
      { passive: false },
    );
  }

  #activate(view: PlaneView): void {
    this.#active = view;
    for (const other of this.#views) other.element.classList.toggle('active', other === view);
  }

  #maximise(view: PlaneView): void {
    this.#maximised = this.#maximised ? null : view;
    this.#grid.classList.toggle('one', this.#maximised !== null);
    for (const other of this.#views) {
      other.element.classList.toggle('away', this.#maximised !== null && other !== this.#maximised);
    }
    this.resize();
  }

  #describe(view: PlaneView): void {
    const { viewport, element, id, name } = view;
    const [image] = this.#options.series.images;
    const range = rangeOf(viewport);
    const { viewUp, viewPlaneNormal } = viewport.getCamera();
    if (!image || !range || !viewUp || !viewPlaneNormal || viewport.getActors().length === 0) return;
    if (this.#isResuming) return;

    const window = toWindow(range);
    view.shown = {
      id,
      kind: 'mpr',
      rectangle: rectangleOf(element),
      imageRectangle: null,
      seriesInstanceUID: this.#options.series.entry.seriesInstanceUID,
      sopInstanceUID: null,
      frame: 1,
      sliceIndex: viewport.getSliceIndex(),
      sliceCount: viewport.getNumberOfSlices(),
      windowCenter: window.center,
      windowWidth: window.width,
      zoom: pixelsPerColumn(viewport),
      invert: this.#invert,
    };
    const { right, down } = cameraAxes(viewUp, viewPlaneNormal);
    view.overlay.show(
      describePicture({ instance: image.instance, window, plane: name, ...view.shown }),
      edgeLetters(right, down),
    );
    this.#options.onChange();
  }
}

/** How many CSS px a column of the original images takes, which is what zoom means in a stack too. */
function pixelsPerColumn(viewport: core.VolumeViewport): number {
  const { parallelScale = 1 } = viewport.getCamera();
  const [columnSpacing = 1] = viewport.getImageData()?.spacing ?? [];
  return (viewport.element.clientHeight / (2 * parallelScale)) * columnSpacing;
}

/** Null: it shows a slice, not a slab. */
function slabOf(viewport: core.VolumeViewport): number | null {
  const thickness = viewport.getActors().length === 0 ? 0 : viewport.getSlabThickness();
  return thickness > thinnestSlabMm ? thickness : null;
}

function rangeOf(viewport: core.VolumeViewport): core.Types.VOIRange | undefined {
  // Cornerstone answers nothing at all as long as there is no volume.
  return (viewport.getProperties() as core.Types.VolumeViewportProperties | undefined)?.voiRange;
}
