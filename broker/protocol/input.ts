/**
 * Input as it travels on the data channels: fixed-width, big endian, one message per event.
 * Moves go on `input.moves` (unordered, never resent: the latest wins), all else on `input.events` (ordered, reliable).
 *
 * Layout: opcode u8 · sequence u32 · then per opcode. x and y are display px.
 */
export type InputEvent =
  | { readonly kind: 'move'; readonly sequence: number; readonly x: number; readonly y: number }
  /** On `input.events`: what is lost of a way is lost of where it leads. */
  | { readonly kind: 'move-by'; readonly sequence: number; readonly dx: number; readonly dy: number }
  | {
      readonly kind: 'button';
      readonly sequence: number;
      /** Or `inPlace`. */
      readonly x: number;
      readonly y: number;
      /** X11 button: 1 left, 2 middle, 3 right, 8 back, 9 forward. */
      readonly button: number;
      readonly isDown: boolean;
    }
  | {
      readonly kind: 'wheel';
      readonly sequence: number;
      readonly x: number;
      readonly y: number;
      /** Notches, positive right and down. */
      readonly notchesX: number;
      readonly notchesY: number;
    }
  /** `keysym` as in X11/keysymdef.h; Unicode characters beyond Latin-1 are 0x01000000 + code point. */
  | { readonly kind: 'key'; readonly sequence: number; readonly keysym: number; readonly isDown: boolean }
  | {
      readonly kind: 'resize';
      readonly sequence: number;
      readonly widthPx: number;
      readonly heightPx: number;
      /** How large the application's interface is to be: 200 where two of these px make one of the viewer's page. */
      readonly scalePercent: number;
      /** Where the second of two screens side by side begins; absent: it is one screen. */
      readonly seamPx?: number;
    }
  /** Focus lost: every pressed key and button goes up. */
  | { readonly kind: 'release-all'; readonly sequence: number };

/** Of buttons and wheels, as x and y: where the pointer is already. */
export const inPlace = 0xffff;

export const inputMovesLabel = 'input.moves';
export const inputEventsLabel = 'input.events';
export const displayEventsLabel = 'display.events';

const opcodes = { move: 1, button: 2, wheel: 3, key: 4, resize: 5, 'release-all': 6, 'move-by': 7 } as const;
const lengths: Readonly<Record<number, number>> = { 1: 9, 2: 11, 3: 13, 4: 10, 5: 11, 6: 5, 7: 9 };

/** Of a resize for two screens: nodes that know of one only take no notice of it. */
const lengthWithSeam = 13;

export function encodeInput(event: InputEvent): Uint8Array<ArrayBuffer> {
  const opcode = opcodes[event.kind];
  const hasSeam = event.kind === 'resize' && event.seamPx !== undefined;
  const bytes = new Uint8Array(hasSeam ? lengthWithSeam : (lengths[opcode] ?? 5));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, opcode);
  view.setUint32(1, event.sequence >>> 0);
  writeBody(view, event);
  return bytes;
}

function writeBody(view: DataView, event: InputEvent): void {
  switch (event.kind) {
    case 'move':
      view.setUint16(5, event.x);
      view.setUint16(7, event.y);
      break;
    case 'move-by':
      view.setInt16(5, event.dx);
      view.setInt16(7, event.dy);
      break;
    case 'button':
      view.setUint16(5, event.x);
      view.setUint16(7, event.y);
      view.setUint8(9, event.button);
      view.setUint8(10, Number(event.isDown));
      break;
    case 'wheel':
      view.setUint16(5, event.x);
      view.setUint16(7, event.y);
      view.setInt16(9, event.notchesX);
      view.setInt16(11, event.notchesY);
      break;
    case 'key':
      view.setUint32(5, event.keysym);
      view.setUint8(9, Number(event.isDown));
      break;
    case 'resize':
      view.setUint16(5, event.widthPx);
      view.setUint16(7, event.heightPx);
      view.setUint16(9, event.scalePercent);
      if (event.seamPx !== undefined) view.setUint16(11, event.seamPx);
      break;
    case 'release-all':
      break;
  }
}

/** Answers undefined to anything that is not exactly one well-formed event: a peer may send what it likes. */
export function decodeInput(bytes: Uint8Array): InputEvent | undefined {
  const opcode = bytes[0];
  const hasSeam = opcode === opcodes.resize && bytes.byteLength === lengthWithSeam;
  if (opcode === undefined || (bytes.byteLength !== lengths[opcode] && !hasSeam)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return readBody(opcode, view);
}

function readBody(opcode: number, view: DataView): InputEvent {
  const sequence = view.getUint32(1);
  const position = (): { x: number; y: number } => ({ x: view.getUint16(5), y: view.getUint16(7) });
  switch (opcode) {
    case opcodes.move:
      return { kind: 'move', sequence, ...position() };
    case opcodes['move-by']:
      return { kind: 'move-by', sequence, dx: view.getInt16(5), dy: view.getInt16(7) };
    case opcodes.button:
      return {
        kind: 'button',
        sequence,
        ...position(),
        button: view.getUint8(9),
        isDown: view.getUint8(10) === 1,
      };
    case opcodes.wheel:
      return {
        kind: 'wheel',
        sequence,
        ...position(),
        notchesX: view.getInt16(9),
        notchesY: view.getInt16(11),
      };
    case opcodes.key:
      return { kind: 'key', sequence, keysym: view.getUint32(5), isDown: view.getUint8(9) === 1 };
    case opcodes.resize:
      return {
        kind: 'resize',
        sequence,
        widthPx: view.getUint16(5),
        heightPx: view.getUint16(7),
        scalePercent: view.getUint16(9),
        ...(view.byteLength === lengthWithSeam && { seamPx: view.getUint16(11) }),
      };
    default:
      return { kind: 'release-all', sequence };
  }
}
