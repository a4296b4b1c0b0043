import { useEffect, useState, type RefObject } from 'react';
import type { Rectangle, Size } from '../../stream/display-mapping.ts';
import { placePicture } from '../../stream/screen-parts.ts';

const nothing: Rectangle = { left: 0, top: 0, width: 0, height: 0 };

/** Where the picture lies within the stage, in px from the stage's corner. */
export function usePictureRectangle(
  stage: RefObject<HTMLElement | null>,
  shown: { readonly display: Size; readonly part: Rectangle } | null,
): Rectangle {
  const [box, setBox] = useState<Size>({ width: 0, height: 0 });
  useEffect(() => {
    const element = stage.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() =>
      setBox({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [stage]);
  return shown ? placePicture(box, shown.display, shown.part) : { ...nothing, ...box };
}
