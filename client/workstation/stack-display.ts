import * as core from '@cornerstonejs/core';
import type { Viewpoint, ViewportState } from '@medusa/protocol';
import { numbers, type DicomObject } from './dicom-object.ts';
import type { SeriesImage } from './series.ts';
import { chooseRendering, type Rendering } from './cornerstone.ts';
import type { Display, LoadedSeries, Resumed, ToolName } from './display.ts';
import { imageRectangle, moveBy, rectangleOf } from './geometry.ts';
import { edgeLetters } from './orientation.ts';
import { createOverlay, describePicture, type Overlay } from './overlay.ts';
import { toVoiRange, toWindow, type VoiWindow } from './presets.ts';
import { createToolGroup, dragEvent, isPrimaryDrag, type ToolGroup } from './tool-group.ts';
import { keepPictureWhile } from './keep-picture.ts';
import { toCamera, toViewpoint } from './viewpoint.ts';
import { createNotchCounter } from './wheel.ts';

/** Of its engine, its viewport and its tools. */
const ids = { first: 'stack', second: 'stack-2' } as const;
const toolNames: readonly ToolName[] = ['WindowLevel', 'Zoom', 'Pan', 'StackScroll', 'Length'];

export interface DisplayOptions {
  readonly stage: HTMLElement;
  readonly series: LoadedSeries;
  readonly tool: ToolName;
  readonly window: VoiWindow | null;
  readonly resumed: Resumed | null;
  /** Beside the one that is there, on another screen. */
  readonly isSecond?: boolean;
  /** After every change of what is drawn. */
  readonly onChange: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** One series, one slice at a time, as large as the screen allows. */
export class StackDisplay implements Display {
  readonly layout = 'stack';
  readonly activeViewportId: string;
  readonly isMaximised = false;
  readonly #options: DisplayOptions;
  readonly #rendering: Rendering;
  readonly #element: HTMLDivElement;
  readonly #engine: core.RenderingEngine;
  readonly #viewport: core.StackViewport;
  readonly #tools: ToolGroup;
  readonly #overlay: Overlay;
  #tool: ToolName;
  #window: VoiWindow | null;
  #isInverted = false;
  #target = 0;
  #shown: ViewportState | null = null;
  /** What is drawn on the way there is nothing to be told of. */
  #isResuming: boolean;

  private constructor(options: DisplayOptions, rendering: Rendering) {
    this.#options = options;
    const id = options.isSecond === true ? ids.second : ids.first;
    this.activeViewportId = id;
    this.#rendering = rendering;
    this.#tool = options.tool;
    this.#window = options.window;
    this.#isInverted = options.resumed?.isInverted ?? false;
    this.#isResuming = options.resumed !== null;
    this.#element = document.createElement('div');
    this.#element.className = 'viewport';
    if (options.isSecond === true) options.stage.append(this.#element);
    else options.stage.replaceChildren(this.#element);

    chooseRendering(rendering);
    this.#engine = new core.RenderingEngine(id);
    this.#engine.enableElement({
      viewportId: id,
      type: core.Enums.ViewportType.STACK,
      element: this.#element,
      defaultOptions: { background: [0, 0, 0] },
    });
    this.#viewport = this.#engine.getViewport<core.StackViewport>(id);
    this.#overlay = createOverlay(this.#element);
    this.#tools = createToolGroup({
      id,
      renderingEngineId: id,
      viewportIds: [id],
      toolNames,
    });
    this.#tools.setTool(this.#tool);
    this.#listen();
  }

  static create(options: DisplayOptions, rendering: Rendering, index: number): StackDisplay {
    const display = new StackDisplay(options, rendering);
    display.#target = index;
    void display.#show(async () => {
      await display.#viewport.setStack([...options.series.imageIds], index);
      if (options.resumed) display.#resume(options.resumed);
    });
    return display;
  }

  get window(): VoiWindow | null {
    return this.#window;
  }

  get sliceIndex(): number {
    return this.#target;
  }

  states(): readonly ViewportState[] | null {
    return this.#shown && [this.#shown];
  }

  viewpoints(): readonly Viewpoint[] {
    return [toViewpoint(this.activeViewportId, this.#viewport.getCamera(), null) ?? []].flat();
  }

  setTool(tool: ToolName): void {
    this.#tool = tool;
    this.#tools.setTool(tool);
  }

  setWindow(window: VoiWindow | null): void {
    this.#window = window;
    this.#applyWindow();
    this.#viewport.render();
  }

  toggleInvert(): void {
    this.#isInverted = !this.#isInverted;
    this.#applyWindow();
    this.#viewport.render();
  }

  scroll(slices: number): void {
    const last = this.#options.series.imageIds.length - 1;
    const target = Math.min(last, Math.max(0, this.#target + slices));
    if (target === this.#target) return;
    this.#target = target;
    void this.#show(async () => this.#viewport.setImageIdIndex(target));
  }

  reset(): void {
    this.#window = null;
    this.#isInverted = false;
    this.#viewport.resetCamera();
    this.#applyWindow();
    this.#viewport.render();
  }

  resize(): void {
    const [panX, panY] = this.#viewport.getPan();
    const isFitted = Math.abs(this.#viewport.getZoom() - 1) < 1e-3 && Math.abs(panX) + Math.abs(panY) < 0.5;
    keepPictureWhile(this.#viewport.canvas, () => {
      this.#engine.resize(true, !isFitted);
    });
  }

  close(): void {
    this.#tools.close();
    this.#engine.destroy();
    this.#element.remove();
  }

  get #image(): core.Types.IImage | undefined {
    return this.#viewport.getCornerstoneImage();
  }

  /** What is in the picture now, which is not yet what the user scrolled to while that one loads. */
  get #shownImage(): SeriesImage | undefined {
    const { images, imageIds } = this.#options.series;
    return this.#image && images[imageIds.indexOf(this.#image.imageId)];
  }

  #listen(): void {
    const countNotches = createNotchCounter();
    this.#element.addEventListener(core.Enums.Events.IMAGE_RENDERED, () => {
      this.#describe();
    });
    this.#element.addEventListener(dragEvent, (event) => {
      const { voiRange } = this.#viewport.getProperties();
      if (this.#tool === 'WindowLevel' && isPrimaryDrag(event) && voiRange) this.#window = toWindow(voiRange);
    });
    this.#element.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        this.scroll(countNotches(event));
      },
      { passive: false },
    );
  }

  /** Cornerstone answers only for the slice that is wanted last; the promises of those skipped stay open. */
  async #show(display: () => Promise<unknown>): Promise<void> {
    try {
      await display();
      // Its processor path keeps the previous slice's window, its WebGL path takes the new one's: here one rule holds for both.
      this.#applyWindow();
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  #resume({ viewpoints }: Resumed): void {
    const [viewpoint] = viewpoints;
    if (viewpoint) this.#viewport.setCamera(toCamera(viewpoint));
    this.#applyWindow();
    this.#isResuming = false;
    this.#viewport.render();
  }

  #applyWindow(): void {
    const [image, shown] = [this.#image, this.#shownImage];
    if (!image || !shown) return;
    const window = this.#window ?? windowOf(image, shown.instance);
    // MONOCHROME1 is drawn inverted already; the user's inversion turns it round once more.
    const invert = image.invert !== this.#isInverted;
    this.#viewport.setProperties({ voiRange: toVoiRange(window), invert }, true);
  }

  #describe(): void {
    const [image, shown] = [this.#image, this.#shownImage];
    const plane = this.#viewport.getImageData() as core.Types.IImageData | undefined;
    if (!image || !shown || !plane || this.#isResuming) return;

    const { images, entry } = this.#options.series;
    const { voiRange } = this.#viewport.getProperties();
    const window = voiRange ? toWindow(voiRange) : windowOf(image, shown.instance);
    const rectangle = rectangleOf(this.#element);
    const inCanvas = imageRectangle({
      plane,
      worldToCanvas: (point) => this.#viewport.worldToCanvas(point),
      // The processor path counts from the pixel's corner, WebGL from its centre.
      firstCorner: this.#rendering === 'cpu' ? 0 : -0.5,
    });
    this.#shown = {
      id: this.activeViewportId,
      kind: 'stack',
      rectangle,
      imageRectangle: moveBy(inCanvas, rectangle),
      seriesInstanceUID: entry.seriesInstanceUID,
      sopInstanceUID: shown.sopInstanceUID,
      frame: shown.frame,
      sliceIndex: images.indexOf(shown),
      sliceCount: images.length,
      windowCenter: window.center,
      windowWidth: window.width,
      zoom: inCanvas.width / image.columns,
      invert: this.#isInverted,
    };
    this.#overlay.show(
      describePicture({
        instance: shown.instance,
        sliceIndex: this.#shown.sliceIndex,
        sliceCount: this.#shown.sliceCount,
        window,
        zoom: this.#shown.zoom,
        plane: null,
      }),
      shown.orientation && edgeLetters(shown.orientation.row, shown.orientation.column),
    );
    this.#options.onChange();
  }
}

/** Cornerstone makes a window of the slice's smallest and largest value where the header has none. */
function windowOf({ windowCenter, windowWidth }: core.Types.IImage, instance: DicomObject): VoiWindow {
  const hasOwn = numbers(instance, 'WindowCenter').length > 0;
  const [bitsStored = 16] = numbers(instance, 'BitsStored');
  // Eight bits were made for a screen: they are shown as they are, every slice alike.
  if (!hasOwn && bitsStored <= 8) return { center: 128, width: 256 };
  return { center: first(windowCenter), width: first(windowWidth) };
}

function first(value: number | number[]): number {
  return Array.isArray(value) ? (value[0] ?? 0) : value;
}
