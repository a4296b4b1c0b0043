import type { Duplex } from 'node:stream';
import { TypedEmitter } from '@medusa/kernel';
import type { z } from 'zod';
import { createFrameReader, createFrameWriter, type RelayFrame } from './frames.ts';

type Picture = Extract<RelayFrame, { kind: 'picture' }>;

/** One connection between reader and viewer, with messages of the other end already checked. */
export class RelayConnection<Heard, Said> implements Disposable {
  readonly events: TypedEmitter<{ message: [message: Heard]; picture: [picture: Picture]; closed: [] }>;
  readonly #socket: Duplex;
  readonly #encode = createFrameWriter();

  constructor(
    socket: Duplex,
    { heard, report }: { heard: z.ZodType<Heard>; report: (error: unknown) => void },
  ) {
    this.#socket = socket;
    this.events = new TypedEmitter(report);
    const read = createFrameReader();
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of read(chunk))
          if (frame.kind === 'picture') this.events.emit('picture', frame);
          else this.events.emit('message', heard.parse(JSON.parse(frame.text)));
      } catch (error) {
        // What cannot be understood once is not understood later either: the other end may try again.
        report(error);
        socket.destroy();
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.events.emit('closed'));
  }

  /** Bytes that wait to go over the link. */
  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  say(message: Said): void {
    this.#write({ kind: 'message', text: JSON.stringify(message) });
  }

  show(picture: Omit<Picture, 'kind'>): void {
    this.#write({ kind: 'picture', ...picture });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #write(frame: RelayFrame): void {
    if (!this.#socket.destroyed) this.#socket.write(this.#encode(frame));
  }
}
