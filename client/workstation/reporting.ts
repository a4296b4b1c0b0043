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
  };
}

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
