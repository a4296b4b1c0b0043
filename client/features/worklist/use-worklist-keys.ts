import type { StudySummary } from '@medusa/protocol';
import { useEffect, useState, type KeyboardEvent } from 'react';

type WorklistKeys = {
  readonly chosen: StudySummary | undefined;
  readonly choose: (uid: string) => void;
  readonly keyDown: (event: KeyboardEvent) => void;
};

const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

/** Arrows choose, Enter opens: from the search box as from the page itself. */
export function useWorklistKeys(
  shown: readonly StudySummary[],
  open: (study: StudySummary) => void,
): WorklistKeys {
  const [uid, setUid] = useState<string | null>(null);
  const chosen = shown.find(({ studyInstanceUID }) => studyInstanceUID === uid) ?? shown[0];

  const keyDown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || !chosen || !belongsToWorklist(event.target)) return;
    if (event.key === 'Enter' && !(event.target instanceof HTMLButtonElement)) open(chosen);
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = shown[Math.min(shown.length - 1, Math.max(0, shown.indexOf(chosen) + step))];
    setUid(next?.studyInstanceUID ?? null);
  };
  return { chosen, choose: setUid, keyDown };
}

/** `/` leads to the search, wherever one is, unless one types. */
export function useSlashKey(searchRef: { readonly current: HTMLInputElement | null }): void {
  useEffect(() => {
    const focusSearch = (event: globalThis.KeyboardEvent): void => {
      if (event.key !== '/' || isTyping(event.target)) return;
      event.preventDefault();
      searchRef.current?.focus();
      searchRef.current?.select();
    };
    window.addEventListener('keydown', focusSearch);
    return () => window.removeEventListener('keydown', focusSearch);
  }, [searchRef]);
}

/** In an empty field `/` is no text yet: who presses it there means the search. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement)) return false;
  return target.value !== '';
}

/** Menus and drop-downs have arrow keys of their own. */
function belongsToWorklist(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.closest('[data-worklist-keys]') !== null;
}
