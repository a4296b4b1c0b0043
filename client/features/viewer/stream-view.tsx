import type { SessionView } from '@medusa/protocol';
import { useCallback, useEffect, useRef, useState, type DragEvent, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { strings } from '../../strings/en.ts';
import { partOf } from '../../stream/screen-parts.ts';
import { useStore } from '../../ui/use-store.ts';
import { PointerLayer } from '../rooms/index.ts';
import { SecondScreenView } from './second-screen/second-screen-view.tsx';
import { useSecondScreen } from './second-screen/use-second-screen.ts';
import { StageNotices } from './stage-notices.tsx';
import { StillLayer } from './still-layer.tsx';
import { StreamVideo } from './stream-video.tsx';
import { tellTransfer } from './tell-transfer.ts';
import { useKeyImages } from './use-key-images.ts';
import { usePictureRectangle } from './use-picture-rectangle.ts';
import { useRemoteResize } from './use-remote-resize.ts';
import { useStreamInput } from './use-stream-input.ts';
import { ViewerFrame } from './viewer-frame.tsx';
import type { ViewerSession } from './viewer-session.ts';

type Props = { readonly viewer: ViewerSession; readonly session: SessionView; readonly leave: () => void };

/** The streamed workstation: the picture, the pointers over it, and the hand that steers it. */
export function StreamView({ viewer, session, leave }: Props): ReactNode {
  const { picture, room } = viewer;
  const [isToggled, setToggled] = useState(false);
  const [isHeld, setHeld] = useState(false);
  const stage = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const keyboard = useRef<HTMLTextAreaElement>(null);
  const isPointing = isToggled || isHeld;
  const focusBar = useCallback(() => document.querySelector<HTMLElement>('.viewer-bar button')?.focus(), []);
  const pointing = useRef(isPointing);
  useEffect(() => {
    pointing.current = isPointing;
  }, [isPointing]);
  const isPointingNow = useCallback(() => pointing.current, []);
  const view = useStore(picture.display.view);
  const noteImage = useKeyImages(viewer, session, view);
  useStreamInput({ viewer, video, keyboard, isPointing, setHeld, focusBar, noteImage });
  const second = useSecondScreen(session.id, session.studyTitle);
  useRemoteResize(viewer, stage, second.shown?.window ?? null);
  const shows = second.shown ? 'first' : 'all';
  const seam = useStore(picture.display.screen.seam);
  const display = useStore(picture.display.screen.size);
  const part = display && partOf(display, seam, shows);
  const rectangle = usePictureRectangle(stage, part && { display, part });
  const hasControl = useHasControl(viewer);

  return (
    <ViewerFrame
      viewer={viewer}
      session={session}
      view={view}
      noteImage={noteImage}
      leave={leave}
      secondScreen={second}
      pointing={{ isOn: isPointing, toggle: () => setToggled((isOn) => !isOn) }}
    >
      <div className="stream-stage" ref={stage} onDragOver={refuseFiles} onDrop={refuseFiles}>
        <StreamVideo
          picture={picture}
          videoRef={video}
          isPointing={isPointing}
          place={part && part.width < display.width ? rectangle : null}
          hasControl={hasControl}
        />
        <textarea
          ref={keyboard}
          className="stream-keyboard"
          data-testid="stream-keyboard"
          aria-label={strings.viewer.picture}
          autoComplete="off"
          autoCorrect="off"
          autoCapitalize="off"
          spellCheck={false}
          inputMode="none"
          rows={1}
        />
        <StillLayer picture={picture} stage={stage} shows={shows} />
        <PointerLayer room={room} rectangle={rectangle} />
        <StageNotices viewer={viewer} />
        {second.shown &&
          createPortal(
            <SecondScreenView
              {...{ viewer, hasControl, setHeld, focusBar, noteImage }}
              second={second.shown}
              source={video}
              isPointing={isPointingNow}
            />,
            second.shown.root,
          )}
      </div>
    </ViewerFrame>
  );
}

/** A browser would leave the page for a file that is dropped on it. */
function refuseFiles(event: DragEvent): void {
  event.preventDefault();
  if (event.type === 'drop') tellTransfer('files-denied');
}

function useHasControl(viewer: ViewerSession): boolean {
  useStore(viewer.room.view);
  useStore(viewer.room.you);
  return viewer.hasControl();
}
