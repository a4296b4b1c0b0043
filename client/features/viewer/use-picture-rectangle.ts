import { useEffect, useState, type RefObject } from 'react';
import { fitContained, type Rectangle, type Size } from '../../stream/display-mapping.ts';

const nothing: Rectangle = { left: 0, top: 0, width: 0, height: 0 };

/** Where the picture lies within the stage, in px from the stage's corner. */
export function usePictureRectangle(stage: RefObject<HTMLElement | null>, display: Size | null): Rectangle {
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
  return display ? fitContained({ ...nothing, ...box }, display) : { ...nothing, ...box };
}
