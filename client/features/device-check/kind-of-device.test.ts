import { expect, it } from 'vitest';
import { kindOfDevice } from './kind-of-device.ts';

const linux = 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156';
const iphone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Mobile/15E148';
const android = 'Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome/156 Mobile';
const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/19 Safari/605';

it.each([
  ['desktop', linux, 0, true, 1080],
  ['desktop', linux, 10, true, 768],
  ['phone', iphone, 5, false, 390],
  ['phone', android, 5, false, 412],
  ['tablet', android.replace(' Mobile', ''), 5, false, 800],
  // An iPad calls itself a Mac; its fingers betray it.
  ['tablet', mac, 5, false, 820],
  ['desktop', mac, 0, true, 900],
] as const)('%s: %s', (...[kind, userAgent, touchPoints, hasFinePointer, shortSide]) => {
  expect(kindOfDevice({ userAgent, touchPoints, hasFinePointer, shortSide })).toBe(kind);
});
