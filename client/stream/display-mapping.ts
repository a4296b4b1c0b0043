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

/**
 * The display size to ask for: the container in device px, within what a session may have.
 * Even numbers, because H.264 4:2:0 halves the chroma planes.
 */
export function displaySizeFor(container: Size, devicePixelRatio: number): Size {
  const even = (length: number, least: number, most: number): number =>
    Math.floor(Math.min(most, Math.max(least, length * devicePixelRatio)) / 2) * 2;
  return { width: even(container.width, 640, 3840), height: even(container.height, 480, 2160) };
}
