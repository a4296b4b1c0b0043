/** The part of the package that is used here; it comes without types of its own. */
declare module 'dicom-microscopy-viewer' {
  type Coordinate = readonly [x: number, y: number];
  type Size = readonly [width: number, height: number];

  /** OpenLayers' view: coordinates are pixels of the largest level, y upwards from -1; the resolution is such pixels per px of the screen. */
  interface SlideMapView {
    getCenter(): Coordinate | undefined;
    setCenter(center: Coordinate): void;
    getResolution(): number | undefined;
    setResolution(resolution: number): void;
    getRotation(): number;
    fit(extent: readonly number[], options: { readonly size: Size }): void;
    adjustResolution(ratio: number, anchor?: Coordinate): void;
    getProjection(): { getExtent(): readonly number[] };
  }

  interface SlideMap {
    getView(): SlideMapView;
    getSize(): Size | undefined;
    on(event: 'postrender' | 'rendercomplete' | 'moveend' | 'change:target', run: () => void): void;
    getControls(): { getArray(): readonly { readonly element?: HTMLElement }[] };
  }

  interface FrameRequest {
    readonly studyInstanceUID: string;
    readonly seriesInstanceUID: string;
    readonly sopInstanceUID: string;
    readonly frameNumbers: readonly number[];
  }

  /** What it asks of an archive. A frame goes to the decoder as it is answered. */
  interface FrameArchive {
    retrieveInstanceFrames(request: FrameRequest): Promise<readonly unknown[]>;
    retrieveBulkData(request: { readonly BulkDataURI: string }): Promise<readonly ArrayBuffer[]>;
  }

  /** One level; its attributes stand on it by their keywords. */
  interface SlideImage {
    readonly SOPInstanceUID: string;
  }

  class VolumeImageViewer {
    constructor(options: {
      readonly client: FrameArchive;
      readonly metadata: readonly SlideImage[];
      readonly controls: readonly string[];
      readonly mapViewResolutions: readonly number[];
      readonly errorInterceptor: (error: Error) => Error;
    });
    render(options: { readonly container: HTMLElement }): void;
    getMap(): SlideMap;
    toggleOverviewMap(): void;
    resize(): void;
    cleanup(): void;
  }

  export const metadata: {
    readonly VLWholeSlideMicroscopyImage: new (options: { readonly metadata: unknown }) => SlideImage;
  };
  export const viewer: { readonly VolumeImageViewer: typeof VolumeImageViewer };
  export type { FrameArchive, FrameRequest, SlideImage, SlideMap, VolumeImageViewer };
}
