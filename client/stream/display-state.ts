import type { DisplayEvent, ParticipantId, ViewState } from '@medusa/protocol';
import { Store } from '../core/store.ts';
import { cursorOf, type RemoteCursor } from './display-event.ts';
import { RemoteScreen } from './remote-screen.ts';

/** Of a frame, or of the stream, is another matter. */
type StateEvent = Exclude<DisplayEvent, { kind: 'frame' | 'layer' }>;

/** What the render node says of the display: all that stands until it says otherwise. */
export class DisplayState {
  readonly screen = new RemoteScreen();
  readonly cursor = new Store<RemoteCursor>(null);
  readonly view = new Store<ViewState | null>(null);
  /** Who the render node takes input from. */
  readonly controller = new Store<ParticipantId | null>(null);
  /** What the video leaves of the 256 grays. */
  readonly grays = new Store<{ readonly levels: number; readonly worstError: number } | null>(null);
  #wholeView: ViewState | undefined;

  /** The last one of this node that was whole. */
  get wholeView(): ViewState | undefined {
    return this.#wholeView;
  }

  /** Another node begins: what was whole there is not known here. */
  startAnew(): void {
    this.#wholeView = undefined;
  }

  take(event: StateEvent): void {
    switch (event.kind) {
      case 'size':
      case 'resizing':
      case 'statistics':
        this.screen.take(event);
        break;
      case 'cursor':
        this.cursor.set(cursorOf(event));
        break;
      case 'view':
        this.view.set(event.view);
        if (event.view.ready) this.#wholeView = event.view;
        break;
      case 'controller':
        this.controller.set(event.participantId);
        break;
      case 'grays':
        this.grays.set(event);
        break;
    }
  }
}
