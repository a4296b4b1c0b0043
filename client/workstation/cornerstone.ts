import * as core from '@cornerstonejs/core';
import * as imageLoader from '@cornerstonejs/dicom-image-loader';
import * as tools from '@cornerstonejs/tools';
import type { DicomObject } from './dicom-object.ts';

/** How pictures are drawn: by the processor, or by WebGL. Cornerstone keeps one setting for the whole page. */
export type Rendering = 'cpu' | 'webgl';

export function startCornerstone(authorization: () => Record<string, string>): void {
  // One context is drawn to and copied from in turn: more of them cost memory, and a renderer without a GPU has one pipeline anyway.
  core.init({ rendering: { webGlContextCount: 1 }, debug: {} });
  imageLoader.init({
    maxWebWorkers: Math.max(1, Math.min(4, navigator.hardwareConcurrency - 1)),
    beforeSend: () => authorization(),
  });
  core.volumeLoader.registerUnknownVolumeLoader(
    core.cornerstoneStreamingImageVolumeLoader as unknown as core.Types.VolumeLoaderFn,
  );

  tools.init();
  for (const tool of [
    tools.WindowLevelTool,
    tools.ZoomTool,
    tools.PanTool,
    tools.StackScrollTool,
    tools.LengthTool,
    tools.CrosshairsTool,
  ]) {
    tools.addTool(tool);
  }
  scaleMeasurements(interfaceScale);
}

let interfaceScale = 1;

/** Lines and figures of measurements, as large as the interface around the pictures. */
export function scaleMeasurements(scale: number): void {
  interfaceScale = scale;
  const styles = tools.annotation.config.style;
  const { global, ...others } = styles.getDefaultToolStyles();
  const sizes = { lineWidth: `${1.5 * scale}`, textBoxFontSize: `${14 * scale}px` };
  styles.setDefaultToolStyles({ ...others, global: { ...global, ...measurementStyle, ...sizes } });
}

const measurementStyle = {
  color: 'rgb(255, 216, 92)',
  colorHighlighted: 'rgb(255, 240, 190)',
  colorSelected: 'rgb(90, 176, 242)',
  lineDash: '',
  textBoxColor: 'rgb(255, 216, 92)',
  textBoxColorHighlighted: 'rgb(255, 240, 190)',
  textBoxColorSelected: 'rgb(90, 176, 242)',
  textBoxFontFamily: 'system-ui, sans-serif',
};

/** Must be chosen before a rendering engine is made; the engine keeps it. */
export function chooseRendering(rendering: Rendering): void {
  core.setUseCPURendering(rendering === 'cpu', false);
}

export function canUseWebgl(): boolean {
  const context = document.createElement('canvas').getContext('webgl2');
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}

/** The name Cornerstone asks for an image by, after it has learnt the instance's attributes. */
export function registerImage(frameUrl: string, instance: DicomObject): string {
  const imageId = `wadors:${frameUrl}`;
  imageLoader.wadors.metaDataManager.add(imageId, instance as never);
  return imageId;
}

export async function loadImage(imageId: string, rendering: Rendering): Promise<core.Types.IImage> {
  // The processor draws colour from four bytes a pixel, WebGL from three.
  const options = { requestType: core.Enums.RequestType.Prefetch, priority: 0, useRGBA: rendering === 'cpu' };
  return core.imageLoader.loadAndCacheImage(imageId, options);
}

export function isLoaded(imageId: string): boolean {
  return core.cache.getImage(imageId) !== undefined;
}
