import { IconRotate3d } from '@tabler/icons-react';
import { notifications } from '@mantine/notifications';
import { useEffect, useSyncExternalStore, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { useStore } from '../../ui/use-store.ts';
import { BarButton } from './bar-button.tsx';
import type { ViewerSession } from './viewer-session.ts';

const text = strings.relativePointer;
const shownMs = 4_000;

/** Holds the mouse in the picture, for applications that want its ways and not its places; or lets it go, as Escape does. */
export function toggleRelativePointer(viewer: ViewerSession, video: Element): void {
  const shown = video.ownerDocument;
  if (shown.pointerLockElement) {
    shown.exitPointerLock();
    return;
  }
  if (!viewer.hasControl()) return;
  shown.querySelector<HTMLElement>('.stream-keyboard')?.focus({ preventScroll: true });
  // Older browsers answer nothing, and tell only of what became of it.
  const asked = video.requestPointerLock() as Promise<void> | undefined;
  asked?.catch(() => {
    const { failed: title, failedHelp: message } = text;
    notifications.show({ title, message, autoClose: shownMs, withCloseButton: false, color: 'yellow' });
  });
}

export function useIsRelative(): boolean {
  return useSyncExternalStore(watchLock, () => document.pointerLockElement !== null);
}

/** For who steers with a mouse; the mouse is let go when somebody else takes control. */
export function RelativePointerButton({ viewer }: { viewer: ViewerSession }): ReactNode {
  const isOn = useIsRelative();
  useStore(viewer.room.view);
  useStore(viewer.room.you);
  const hasControl = viewer.hasControl();
  useEffect(() => {
    if (!hasControl && document.pointerLockElement) document.exitPointerLock();
  }, [hasControl]);
  if (!hasControl || !canHoldMouse()) return null;
  return (
    <BarButton
      label={text.button}
      isOn={isOn}
      act={() => {
        const video = document.querySelector('.stream-video');
        if (video) toggleRelativePointer(viewer, video);
      }}
      testId="relative-pointer"
      icon={<IconRotate3d size={18} />}
    />
  );
}

function watchLock(changed: () => void): () => void {
  document.addEventListener('pointerlockchange', changed);
  return () => document.removeEventListener('pointerlockchange', changed);
}

function canHoldMouse(): boolean {
  return 'requestPointerLock' in Element.prototype && matchMedia('(any-pointer: fine)').matches;
}
