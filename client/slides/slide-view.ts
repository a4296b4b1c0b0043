import {
  metadata as library,
  viewer,
  type FrameArchive,
  type SlideImage,
  type SlideMap,
  type VolumeImageViewer,
} from 'dicom-microscopy-viewer';
import { text, type DicomObject } from '../workstation/dicom-object.ts';
import decoderUrl from './slide-decoder.ts?worker&url';
import { onWholePixels, type SlideViewpoint } from './slide-geometry.ts';
import type { Slide } from './slide-metadata.ts';

/** Of the screen's px, how many a px of the largest level may have. */
const mostEnlargement = 4;
const zoomStep = 1.5;
const panStep = 0.2;

export type Direction = 'left' | 'right' | 'up' | 'down';

interface Options {
  readonly stage: HTMLElement;
  readonly slide: Slide;
  readonly archive: FrameArchive;
  readonly resumed: SlideViewpoint | null;
  /** Another viewpoint, or another size of the stage. */
  readonly onChange: () => void;
  /** All tiles that are seen are there or have failed. */
  readonly onComplete: () => void;
}

/** A slide on the stage: drawn by OpenLayers, as the microscopy package sets it up. */
export class SlideView implements Disposable {
  readonly #options: Options;
  readonly #viewer: VolumeImageViewer;
  readonly #map: SlideMap;
  readonly #watch: ResizeObserver;
  #isShown = false;

  constructor(options: Options) {
    this.#options = options;
    const { slide, archive, stage, onChange, onComplete } = options;
    // The package looks for its decoder in this folder, under a name of its own (vite.config.ts).
    Object.assign(window, { PUBLIC_LIB_URL: new URL('.', new URL(decoderUrl, location.href)).pathname });
    this.#viewer = new viewer.VolumeImageViewer({
      client: archive,
      metadata: slide.metadata.map(toImage),
      controls: ['overview'],
      mapViewResolutions: resolutionsOf(slide),
      errorInterceptor: (error) => error,
    });
    this.#map = this.#viewer.getMap();
    this.#map.on('change:target', () => {
      queueMicrotask(() => {
        this.#begin();
      });
    });
    this.#map.on('postrender', () => {
      if (this.#isShown) onChange();
    });
    this.#map.on('rendercomplete', () => {
      if (this.#isShown) onComplete();
    });
    this.#viewer.render({ container: stage });
    this.#watch = new ResizeObserver(() => {
      if (!this.#isShown) return;
      this.#viewer.resize();
      onChange();
    });
    this.#watch.observe(stage);
  }

  get viewpoint(): SlideViewpoint {
    const view = this.#map.getView();
    const [x = 0, y = 0] = view.getCenter() ?? [];
    return {
      centerX: x,
      centerY: -1 - y,
      resolution: view.getResolution() ?? 1,
      rotation: view.getRotation(),
    };
  }

  get hasOverview(): boolean {
    return this.#overview !== null;
  }

  get isOverviewShown(): boolean {
    return this.#overview?.hidden === false;
  }

  toggleOverview(): void {
    if (this.#overview) this.#overview.hidden = !this.#overview.hidden;
    this.#options.onChange();
  }

  zoom(steps: number): void {
    this.#map.getView().adjustResolution(zoomStep ** -steps);
  }

  pan(direction: Direction): void {
    const view = this.#map.getView();
    const { width, height } = this.#size;
    const [across, down] = {
      left: [-width, 0],
      right: [width, 0],
      up: [0, -height],
      down: [0, height],
    }[direction].map((side) => side * panStep) as [number, number];
    const { centerX, centerY, resolution, rotation } = this.viewpoint;
    const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
    const x = centerX + (cos * across + sin * down) * resolution;
    const y = centerY + (cos * down - sin * across) * resolution;
    view.setCenter([x, -1 - y]);
    if (resolution === 1) this.show(onWholePixels(this.viewpoint, this.#size));
  }

  fit(): void {
    const view = this.#map.getView();
    const { width, height } = this.#size;
    view.fit(view.getProjection().getExtent(), { size: [width, height] });
  }

  /** A px of the largest level a px of the screen. */
  showPixels(): void {
    this.show(onWholePixels({ ...this.viewpoint, resolution: 1 }, this.#size));
  }

  show({ centerX, centerY, resolution }: SlideViewpoint): void {
    const view = this.#map.getView();
    view.setResolution(resolution);
    view.setCenter([centerX, -1 - centerY]);
  }

  [Symbol.dispose](): void {
    this.#isShown = false;
    this.#watch.disconnect();
    this.#viewer.cleanup();
    this.#options.stage.replaceChildren();
  }

  get #size(): { width: number; height: number } {
    const { clientWidth: width, clientHeight: height } = this.#options.stage;
    return { width, height };
  }

  get #overview(): HTMLElement | null {
    return this.#options.stage.querySelector<HTMLElement>('.ol-overviewmap');
  }

  /** The package has put the map on the stage, fitted. */
  #begin(): void {
    this.#isShown = true;
    if (this.#options.resumed) this.show(this.#options.resumed);
    this.#options.onChange();
  }
}

/** The package sends the levels to its decoder with each tile: of its own this one has no more than its UID, all else it inherits. */
function toImage(metadata: DicomObject): SlideImage {
  const image = new library.VLWholeSlideMicroscopyImage({ metadata });
  const SOPInstanceUID = { value: text(metadata, 'SOPInstanceUID'), enumerable: true };
  return Object.create(image, { SOPInstanceUID }) as SlideImage;
}

/** From half of the screen for the whole slide to the most enlargement. */
function resolutionsOf({ levels }: Slide): readonly number[] {
  const { columns = 1, rows = 1 } = levels.at(-1) ?? {};
  return [Math.max(columns, rows) / 128, 1 / mostEnlargement];
}
