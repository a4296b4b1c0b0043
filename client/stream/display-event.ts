import { displayEventSchema, type DisplayEvent } from '@medusa/protocol';

/** The pointer's shape as the remote display has it; null until told. `url` is empty when hidden. */
export type RemoteCursor = {
  readonly url: string;
  readonly hotspotX: number;
  readonly hotspotY: number;
} | null;

/** One message of the channel; undefined: it is none. */
export function readDisplayEvent(message: unknown): DisplayEvent | undefined {
  const text = message instanceof ArrayBuffer ? new TextDecoder().decode(message) : message;
  try {
    return typeof text === 'string' ? displayEventSchema.safeParse(JSON.parse(text)).data : undefined;
  } catch {
    return undefined;
  }
}

export function cursorOf({
  png,
  hotspotX,
  hotspotY,
}: Extract<DisplayEvent, { kind: 'cursor' }>): RemoteCursor {
  return { url: png === '' ? '' : `data:image/png;base64,${png}`, hotspotX, hotspotY };
}
