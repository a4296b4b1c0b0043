import { jsonSyntaxFault } from './json-syntax.ts';

/** As deep as places are told: a deeper part is where the one around it is. */
const deepest = 100;
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

type Frame = {
  readonly pointer: string;
  readonly isArray: boolean;
  index: number;
  /** Of an object; null while the next string is a key. */
  member: { readonly name: string; readonly offset: number } | null;
};

/**
 * Where each part of a JSON text (RFC 8259) begins, in UTF-16 units, by its pointer (RFC 6901); a member begins with its name. Nothing of
 * a text that is no JSON.
 */
export function jsonPlaces(text: string): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  if (jsonSyntaxFault(text)) return places;
  const frames: Frame[] = [];
  for (const { 0: token, index } of text.matchAll(tokens)) {
    const frame = frames.at(-1);
    if (token === '}' || token === ']') frames.pop();
    else if (token === ',') advance(frame);
    else if (token !== ':') take({ places, frames, frame }, token, index);
  }
  return places;
}

function advance(frame: Frame | undefined): void {
  if (!frame) return;
  frame.index += 1;
  frame.member = null;
}

type Walk = {
  readonly places: Map<string, number>;
  readonly frames: Frame[];
  readonly frame: Frame | undefined;
};

function take({ places, frames, frame }: Walk, token: string, index: number): void {
  if (frame && awaitsName(frame)) {
    frame.member = { name: JSON.parse(token) as string, offset: index };
    return;
  }
  const pointer = frames.length < deepest ? pointerTo(frame) : null;
  if (pointer !== null) places.set(pointer, beginningIn(frame) ?? index);
  if (token === '{' || token === '[')
    frames.push({ pointer: pointer ?? '', isArray: token === '[', index: 0, member: null });
}

function awaitsName({ isArray, member }: Frame): boolean {
  return !isArray && member === null;
}

/** A member begins with its name. */
function beginningIn(frame: Frame | undefined): number | undefined {
  return frame?.member?.offset;
}

function pointerTo(frame: Frame | undefined): string {
  return frame ? pointerIn(frame) : '';
}

function pointerIn({ pointer, isArray, index, member }: Frame): string {
  const name = isArray ? String(index) : (member?.name ?? '');
  return `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
