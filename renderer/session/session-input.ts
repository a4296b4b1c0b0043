import { decodeInput, type ParticipantId } from '@medusa/protocol';
import { type Encoder, monotonicMs } from '../encoder/index.ts';
import type { InputInjector } from '../input/index.ts';
import type { WantedScreen } from './resize-screen.ts';

type Parts = {
  readonly injector: InputInjector;
  readonly encoder: Encoder;
  readonly resize: (wanted: WantedScreen) => Promise<void>;
  readonly report: (error: unknown) => void;
};

/** Lets one participant at a time steer: whatever anybody else sends is dropped. */
export class SessionInput {
  readonly #parts: Parts;
  #controller: ParticipantId | null = null;
  #wanted: WantedScreen | undefined;
  #isResizing = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  setController(participantId: ParticipantId | null): void {
    if (participantId === this.#controller) return;
    this.#controller = participantId;
    // Keys that the former one held down are nobody's now.
    this.#parts.injector.startAnew();
  }

  forget(participantId: ParticipantId): void {
    if (participantId === this.#controller) this.#parts.injector.startAnew();
  }

  take(participantId: ParticipantId, message: Uint8Array): void {
    if (participantId !== this.#controller) return;
    const event = decodeInput(message);
    if (!event) return;
    if (event.kind === 'resize') {
      this.#wanted = event;
      void this.#resizeToLatest().catch(this.#parts.report);
      return;
    }
    if (!this.#parts.injector.inject(event)) return;
    this.#parts.encoder.noteInput({ sequence: event.sequence, participantId, injectedAtMs: monotonicMs() });
  }

  /** A dragged window edge asks for many sizes; one at a time is applied, and the latest is applied at last. */
  async #resizeToLatest(): Promise<void> {
    if (this.#isResizing) return;
    this.#isResizing = true;
    try {
      while (this.#wanted) {
        const wanted = this.#wanted;
        this.#wanted = undefined;
        await this.#parts.resize(wanted);
      }
    } finally {
      this.#isResizing = false;
    }
  }
}
