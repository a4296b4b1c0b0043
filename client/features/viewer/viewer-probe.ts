import type { ParticipantId, SessionStep, ViewState } from '@medusa/protocol';
import type { LatencySample } from '../../stream/latency-matcher.ts';
import type { PixelState } from '../../stream/still-picture.ts';
import type { StreamStatistics } from '../../stream/statistics.ts';
import type { ViewerSession } from './viewer-session.ts';

/** What journeys and benchmarks may read of an open viewer. They steer it as a user does. */
type ViewerProbe = {
  readonly latencySamples: readonly LatencySample[];
  readonly steps: readonly SessionStep[];
  readonly view: ViewState | null;
  readonly statistics: StreamStatistics | null;
  readonly participantId: ParticipantId | null;
  readonly isController: boolean;
  readonly pictureState: string;
  readonly pixelState: PixelState;
};

declare global {
  interface Window {
    medusaViewer?: ViewerProbe;
  }
}

/** Shows the viewer to `window.medusaViewer` until disposed. */
export function exposeViewer(viewer: ViewerSession, localView: () => ViewState | null): Disposable {
  const { picture, room } = viewer;
  const probe: ViewerProbe = {
    get latencySamples() {
      return picture.latencySamples.get();
    },
    get steps() {
      return [...(viewer.session.get()?.steps ?? []), ...viewer.clientSteps.get()];
    },
    get view() {
      return picture.display.view.get() ?? localView();
    },
    get statistics() {
      return picture.statistics.get();
    },
    get participantId() {
      return room.you.get();
    },
    get isController() {
      return viewer.hasControl();
    },
    get pictureState() {
      return picture.state.get();
    },
    get pixelState() {
      return picture.still.state.get();
    },
  };
  window.medusaViewer = Object.freeze(probe);
  return {
    [Symbol.dispose]: () => {
      if (window.medusaViewer === probe) delete window.medusaViewer;
    },
  };
}
