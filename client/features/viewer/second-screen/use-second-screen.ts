import { notifications } from '@mantine/notifications';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { reportFault } from '../../../core/report.ts';
import { strings } from '../../../strings/en.ts';
import { findSecondWindow, furnish, openSecondWindow } from './open-window.ts';

const text = strings.secondScreen;
const lookMs = 400;
const keyOf = (sessionId: string): string => `medusa.second-screen.${sessionId}`;

export type SecondWindow = { readonly window: Window; readonly root: HTMLElement };
export type SecondScreen = { readonly shown: SecondWindow | null; readonly toggle: () => void };

/** A second window of this page, for another screen. It is found again after a reload, and closed with the session. */
export function useSecondScreen(sessionId: string, title: string): SecondScreen {
  const [shown, setShown] = useState<SecondWindow | null>(null);
  const [heading] = useState(() => text.windowTitle(title));
  const show = useCallback(
    (opened: Window) => {
      sessionStorage.setItem(keyOf(sessionId), 'open');
      setShown({ window: opened, root: furnish(opened, heading) });
    },
    [sessionId, heading],
  );
  const toggle = useCallback(() => {
    if (shown) {
      shown.window.close();
      return;
    }
    openSecondWindow(sessionId).then((opened) => {
      if (opened) show(opened);
      else notifications.show({ color: 'yellow', title: text.refused, message: text.refusedHelp });
    }, reportFault);
  }, [shown, show, sessionId]);

  useEffect(() => {
    if (sessionStorage.getItem(keyOf(sessionId)) === null) return;
    const found = findSecondWindow(sessionId);
    if (found) show(found);
    else sessionStorage.removeItem(keyOf(sessionId));
  }, [sessionId, show]);

  useEffect(
    () => (shown ? keepWith(shown, () => forget(sessionId, setShown)) : undefined),
    [shown, sessionId],
  );
  useEffect(() => listenForShortcut(toggle, shown), [toggle, shown]);
  return useMemo(() => ({ shown, toggle }), [shown, toggle]);
}

function forget(sessionId: string, setShown: (shown: null) => void): void {
  sessionStorage.removeItem(keyOf(sessionId));
  setShown(null);
}

/** Until the user closes it, or this view ends. A page that is left for a reload leaves it open, and says so in it. */
function keepWith({ window: opened, root }: SecondWindow, closed: () => void): () => void {
  const timer = setInterval(() => {
    if (opened.closed) closed();
  }, lookMs);
  let isLeaving = false;
  const leaving = (): void => {
    isLeaving = true;
    const note = root.ownerDocument.createElement('p');
    note.className = 'second-screen-note';
    note.textContent = text.orphan;
    root.ownerDocument.body.append(note);
  };
  addEventListener('pagehide', leaving);
  return () => {
    clearInterval(timer);
    removeEventListener('pagehide', leaving);
    if (!isLeaving) opened.close();
  };
}

/** Also from within either picture, which gives all other keys to the application. */
function listenForShortcut(toggle: () => void, shown: SecondWindow | null): () => void {
  const pressed = (event: KeyboardEvent): void => {
    if (event.code !== 'KeyS' || !event.ctrlKey || !event.altKey || event.getModifierState('AltGraph'))
      return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat) toggle();
  };
  const windows = [window, ...(shown ? [shown.window] : [])];
  for (const each of windows) each.addEventListener('keydown', pressed, true);
  return () => {
    for (const each of windows) each.removeEventListener('keydown', pressed, true);
  };
}
