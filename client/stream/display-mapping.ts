export type Size = { readonly width: number; readonly height: number };
export type Rectangle = Size & { readonly left: number; readonly top: number };
export type Point = { readonly x: number; readonly y: number };

/** Where a picture of `content` size lies in `box` when scaled to fit and centred (CSS `object-fit: contain`). */
export function fitContained(box: Rectangle, content: Size): Rectangle {
  if (content.width <= 0 || content.height <= 0) return box;
  const scale = Math.min(box.width / content.width, box.height / content.height);
  const width = content.width * scale;
  const height = content.height * scale;
  return {
    left: box.left + (box.width - width) / 2,
    top: box.top + (box.height - height) / 2,
    width,
    height,
  };
}

/** So few device px off, a picture is meant to have its own size: displays are of even sizes, stages of any. */
const almostOwnSizePx = 2;

/**
 * Where a still lies in `box`, and how many device px it has to a pixel. At its own size each pixel of it is one of the screen: neither
 * scaled by a trifle nor between two, as `fitContained` may put it.
 */
export function fitStill(
  box: Rectangle,
  content: Size,
  devicePixelRatio: number,
): { readonly rectangle: Rectangle; readonly scale: number } {
  const fitted = fitContained(box, content);
  const scale = content.width > 0 ? (fitted.width * devicePixelRatio) / content.width : 1;
  const offPx = Math.abs(fitted.width * devicePixelRatio - content.width);
  if (offPx > almostOwnSizePx) return { rectangle: fitted, scale };
  const [width, height] = [content.width / devicePixelRatio, content.height / devicePixelRatio];
  const whole = (px: number): number => Math.round(px * devicePixelRatio) / devicePixelRatio;
  const left = whole(box.left + (box.width - width) / 2);
  return { rectangle: { left, top: whole(box.top + (box.height - height) / 2), width, height }, scale: 1 };
}

/** A place in the page as fractions of the picture; clamped, so that a drag may leave the picture. */
export function toFractions(place: Point, picture: Rectangle): Point {
  const clamp = (value: number): number => Math.min(1, Math.max(0, value));
  return {
    x: clamp((place.x - picture.left) / Math.max(1, picture.width)),
    y: clamp((place.y - picture.top) / Math.max(1, picture.height)),
  };
}

/** A place in the page as px of the remote display. */
export function toDisplayPx(place: Point, picture: Rectangle, display: Size): Point {
  const fraction = toFractions(place, picture);
  const px = (part: number, length: number): number =>
    Math.min(Math.max(0, length - 1), Math.floor(part * length));
  return { x: px(fraction.x, display.width), y: px(fraction.y, display.height) };
}

/** True if the place lies on the picture and not on the bars beside it. */
export function isInside(place: Point, picture: Rectangle): boolean {
  return (
    place.x >= picture.left &&
    place.x < picture.left + picture.width &&
    place.y >= picture.top &&
    place.y < picture.top + picture.height
  );
}
