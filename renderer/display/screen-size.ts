import { promisify } from 'node:util';
import type { Randr } from 'x11';
import { AppError } from '@medusa/protocol';
import type { XConnection } from './x-connection.ts';

export type DisplaySize = { readonly widthPx: number; readonly heightPx: number };

/** The largest screen; Xvfb's RandR can shrink and grow below the size that it was started with. */
export const largestSize: DisplaySize = { widthPx: 3840, heightPx: 2160 };
const smallestSize: DisplaySize = { widthPx: 320, heightPx: 240 };
const millimetresPerPx = 25.4 / 96;
const noMode = 0;
const currentTime = 0;
const unrotated = 1;

/** The nearest size that a display and H.264 4:2:0 can have: even, and within the limits. */
export function fitSize(wanted: DisplaySize): DisplaySize {
  const fit = (value: number, least: number, most: number): number =>
    Math.floor(Math.min(most, Math.max(least, value)) / 2) * 2;
  return {
    widthPx: fit(wanted.widthPx, smallestSize.widthPx, largestSize.widthPx),
    heightPx: fit(wanted.heightPx, smallestSize.heightPx, largestSize.heightPx),
  };
}

/** Sets the size of the whole screen by RandR, so that window managers and full-screen applications follow it. */
export async function applyScreenSize(connection: XConnection, size: DisplaySize): Promise<void> {
  const randr = await connection.extension('randr');
  const { root } = connection;
  const resources = await promisify(randr.GetScreenResources.bind(randr))(root);
  const [crtc, output] = [resources.crtcs[0], resources.outputs[0]];
  if (crtc === undefined || output === undefined)
    throw new AppError('session.start-failed', 'The X server has no output to resize');
  const mode = await findMode(randr, { root, output, size, known: resources.modeinfos });
  const configure = async (modeId: number, outputs: readonly number[]): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    randr.SetCrtcConfig(crtc, currentTime, currentTime, 0, 0, modeId, unrotated, outputs, (error, reply) => {
      if (error) reject(error);
      else if (reply.status !== 0) reject(new Error(`RandR answered status ${reply.status}`));
      else resolve(undefined);
    });
    await promise;
  };
  // A screen must always hold its CRTC: off, resize, on again.
  await configure(noMode, []);
  const toMillimetres = (px: number): number => Math.round(px * millimetresPerPx);
  randr.SetScreenSize(
    root,
    size.widthPx,
    size.heightPx,
    toMillimetres(size.widthPx),
    toMillimetres(size.heightPx),
  );
  await configure(mode, [output]);
}

type ModeQuery = {
  readonly root: number;
  readonly output: number;
  readonly size: DisplaySize;
  readonly known: readonly { id: number; name: string }[];
};

async function findMode(randr: Randr, query: ModeQuery): Promise<number> {
  const name = `${query.size.widthPx}x${query.size.heightPx}`;
  const known = query.known.find((mode) => mode.name === name);
  if (known) return known.id;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const mode = { width: query.size.widthPx, height: query.size.heightPx, name };
  randr.CreateMode(query.root, mode, (error, id) => (error ? reject(error) : resolve(id)));
  const id = await promise;
  randr.AddOutputMode(query.output, id);
  return id;
}
