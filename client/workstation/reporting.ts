import { viewStateSchema, type ViewState } from '@medusa/protocol';
import { z } from 'zod';

const retryMs = 1000;
const keepaliveLimit = 60_000;

/** How the page speaks with what surrounds it: the render node's agent, or the viewer page whose frame it is. */
export interface Surroundings {
  /** Resolves when requests to the archive may begin. */
  readonly authorized: Promise<void>;
  authorization(): Record<string, string>;
  report(view: ViewState): void;
  /** What a page showed whose place this one takes; null: it begins with the study. */
  viewToResume(): Promise<ViewState | null>;
  /** Calls back with how large the interface is to be drawn, 1 being as it is; where nobody says so, never. */
  followScale(scaled: (scale: number) => void): void;
  /** Calls back with where the page's second screen begins, in px, 0 where there is but one; where nobody says so, never. */
  followSeam(split: (seamPx: number) => void): void;
}

/** On a render node the agent authorises the requests itself; the view goes to it by POST, the newest one only. */
export function createAgentSurroundings(origin: string): Surroundings {
  let waiting: ViewState | undefined;
  let isSending = false;

  const send = async (): Promise<void> => {
    if (isSending) return;
    isSending = true;
    while (waiting) {
      const view: ViewState = waiting;
      waiting = undefined;
      if (!(await post(`${origin}/view-state`, view))) {
        // The agent is not there at the moment: what is newest then is told again.
        waiting ??= view;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
    isSending = false;
  };

  let events: EventSource | undefined;
  const interfaceEvents = (): EventSource => (events ??= new EventSource(`${origin}/interface-scale`));

  return {
    authorized: Promise.resolve(),
    authorization: () => ({}),
    report: (view) => {
      waiting = view;
      void send();
    },
    viewToResume: async () => {
      const response = await fetch(`${origin}/view-state`).catch(() => null);
      if (response?.status !== 200) return null;
      return viewStateSchema.safeParse(await response.json()).data ?? null;
    },
    followScale: (scaled) => {
      interfaceEvents().addEventListener('message', ({ data }) => {
        const percent = scaleSchema.safeParse(data);
        if (percent.success) scaled(percent.data / 100);
      });
    },
    followSeam: (split) => {
      interfaceEvents().addEventListener('seam', ({ data }) => {
        const seamPx = seamSchema.safeParse(data);
        if (seamPx.success) split(seamPx.data);
      });
    },
  };
}

const scaleSchema = z.coerce.number().min(100).max(400);
const seamSchema = z.coerce.number().int().min(0).max(65_535);
const studyTokenSchema = z.object({ kind: z.literal('medusa.study-token'), token: z.string().min(1) });

/** In the user's own browser the viewer page hands over a study token and is told the view by messages. */
export function createViewerSurroundings(page: Window): Surroundings {
  const origin = page.location.origin;
  const authorized = Promise.withResolvers<undefined>();
  let token = '';

  page.addEventListener('message', (event) => {
    if (event.origin !== origin || event.source !== page.parent) return;
    const message = studyTokenSchema.safeParse(event.data);
    if (!message.success) return;
    token = message.data.token;
    authorized.resolve(undefined);
  });
  page.parent.postMessage({ kind: 'medusa.ready' }, origin);

  return {
    authorized: authorized.promise,
    authorization: () => (token ? { authorization: `Bearer ${token}` } : {}),
    report: (view) => {
      page.parent.postMessage({ kind: 'medusa.view-state', view }, origin);
    },
    viewToResume: async () => Promise.resolve(null),
    // The user's own browser has drawn the page as large as it should be.
    followScale: () => undefined,
    followSeam: () => undefined,
  };
}

async function post(url: string, view: ViewState): Promise<boolean> {
  const body = JSON.stringify(view);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      // Browsers refuse to keep more than 64 KiB alive.
      keepalive: body.length < keepaliveLimit,
    });
    return response.ok;
  } catch {
    return false;
  }
}
