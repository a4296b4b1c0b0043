import { numbers, readableDate, text, type DicomObject } from './dicom-object.ts';
import type { EdgeLetters } from './orientation.ts';
import type { VoiWindow } from './presets.ts';

/** What the corners of a viewport say about the picture in it. */
interface OverlayText {
  readonly topLeft: readonly string[];
  readonly topRight: readonly string[];
  readonly bottomLeft: readonly string[];
  readonly bottomRight: readonly string[];
  /** Said in a colour of its own: the pixels are not the ones the device made. Empty where they are. */
  readonly lossy: string;
}

export interface Picture {
  readonly instance: DicomObject;
  readonly sliceIndex: number;
  readonly sliceCount: number;
  readonly window: VoiWindow;
  readonly zoom: number;
  /** A reformation has no slice of its own to name; null where the picture is an original one. */
  readonly plane: string | null;
}

export function describePicture(picture: Picture): OverlayText {
  const { instance, sliceIndex, sliceCount, window, zoom, plane } = picture;
  return {
    topLeft: said(
      text(instance, 'PatientName') || 'No name',
      text(instance, 'PatientID'),
      [readableDate(text(instance, 'PatientBirthDate')), text(instance, 'PatientSex')]
        .filter(Boolean)
        .join('  '),
    ),
    topRight: said(
      text(instance, 'InstitutionName'),
      text(instance, 'StudyDescription'),
      readableDate(text(instance, 'StudyDate')),
      text(instance, 'SeriesDescription'),
    ),
    bottomLeft: said(
      plane ?? '',
      `${plane ? 'Slice' : 'Image'} ${sliceIndex + 1} / ${sliceCount}`,
      plane ? '' : placeOf(instance),
    ),
    bottomRight: said(
      `Zoom ${zoom.toFixed(2)}×`,
      `W ${Math.round(window.width)}  L ${Math.round(window.center)}`,
    ),
    lossy: lossyText(instance),
  };
}

/** DICOM PS3.3 §C.7.6.1.1.5: an image that was ever compressed with loss says so for ever. */
function lossyText(instance: DicomObject): string {
  if (text(instance, 'LossyImageCompression') !== '01') return '';
  const ratio = numbers(instance, 'LossyImageCompressionRatio').at(-1);
  return ratio === undefined ? 'Lossy compressed' : `Lossy compressed ${Number(ratio.toFixed(1))} : 1`;
}

function placeOf(instance: DicomObject): string {
  const [location] = numbers(instance, 'SliceLocation');
  const [, , z] = numbers(instance, 'ImagePositionPatient');
  const [thickness] = numbers(instance, 'SliceThickness');
  const at = location ?? z;
  return [
    at === undefined ? '' : `Loc ${at.toFixed(1)} mm`,
    thickness === undefined ? '' : `Thick ${thickness.toFixed(1)} mm`,
  ]
    .filter(Boolean)
    .join('  ');
}

function said(...lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line !== '');
}

export interface Overlay {
  show(overlay: OverlayText, letters: EdgeLetters | null): void;
}

/** Writes over a viewport without being in the way of the mouse. Text nodes change only where the text does. */
export function createOverlay(viewport: HTMLElement): Overlay {
  const root = document.createElement('div');
  root.className = 'overlay';
  viewport.append(root);
  const place = (name: string): ((content: string) => void) => {
    const element = document.createElement('div');
    element.className = name;
    root.append(element);
    return (content) => {
      if (element.textContent !== content) element.textContent = content;
    };
  };
  const corners = {
    topLeft: place('corner top left'),
    topRight: place('corner top right'),
    bottomLeft: place('corner bottom left'),
    bottomRight: place('corner bottom right'),
  };
  const lossy = place('lossy');
  const edges = {
    left: place('edge at-left'),
    right: place('edge at-right'),
    top: place('edge at-top'),
    bottom: place('edge at-bottom'),
  };

  return {
    show: (overlay, letters) => {
      corners.topLeft(overlay.topLeft.join('\n'));
      corners.topRight(overlay.topRight.join('\n'));
      corners.bottomLeft(overlay.bottomLeft.join('\n'));
      corners.bottomRight(overlay.bottomRight.join('\n'));
      lossy(overlay.lossy);
      edges.left(letters?.left ?? '');
      edges.right(letters?.right ?? '');
      edges.top(letters?.top ?? '');
      edges.bottom(letters?.bottom ?? '');
    },
  };
}
