import { useHotkeys } from '@mantine/hooks';
import type { SessionView, ViewState } from '@medusa/protocol';
import { useEffect, useState, type ReactNode } from 'react';
import { LoginNotice } from '../../ui/page.tsx';
import { RecordingRequest } from '../recordings/index.ts';
import { FloorToast, RoomPanel, useRoomNews } from '../rooms/index.ts';
import { KeyboardHelp } from './keyboard-help.tsx';
import type { SecondScreen } from './second-screen/use-second-screen.ts';
import { TopBar, type Pointing } from './top-bar.tsx';
import { exposeViewer } from './viewer-probe.ts';
import { WatermarkLayer } from './watermark-layer.tsx';
import type { ViewerSession } from './viewer-session.ts';

type Props = {
  readonly viewer: ViewerSession;
  readonly session: SessionView;
  readonly view: ViewState | null;
  readonly noteImage: () => void;
  readonly leave: () => void;
  /** Absent where there is no picture that others see too. */
  readonly pointing?: Pointing;
  /** Absent where the picture has but this window. */
  readonly secondScreen?: SecondScreen;
  readonly children: ReactNode;
};

/** What surrounds a picture, streamed or local: top bar, room, help. */
export function ViewerFrame(props: Props): ReactNode {
  const { viewer, session, view, leave } = props;
  const [isRoomOpen, setRoomOpen] = useState(false);
  const [isHelpOpen, setHelpOpen] = useState(false);
  useRoomNews(viewer.room, isRoomOpen);
  useHotkeys([['shift+?', () => setHelpOpen(true)]]);
  useEffect(() => {
    const exposed = exposeViewer(viewer, () => view);
    return () => exposed[Symbol.dispose]();
  }, [viewer, view]);
  useEffect(() => {
    const before = document.title;
    document.title = `${session.studyTitle} · Medusa`;
    return () => {
      document.title = before;
    };
  }, [session.studyTitle]);

  return (
    <div className="viewer" data-room={isRoomOpen || undefined}>
      <TopBar
        viewer={viewer}
        session={session}
        view={view}
        noteImage={props.noteImage}
        isRoomOpen={isRoomOpen}
        toggleRoom={() => setRoomOpen((isOpen) => !isOpen)}
        {...(props.pointing ? { pointing: props.pointing } : {})}
        {...(props.secondScreen ? { secondScreen: props.secondScreen } : {})}
        showHelp={() => setHelpOpen(true)}
        leave={leave}
      />
      <div className="viewer-stage">
        <LoginNotice />
        {props.children}
        <WatermarkLayer />
        <FloorToast room={viewer.room} />
        <RecordingRequest room={viewer.room} />
      </div>
      {isRoomOpen && <RoomPanel room={viewer.room} sessionId={session.id} />}
      <KeyboardHelp isOpen={isHelpOpen} close={() => setHelpOpen(false)} />
    </div>
  );
}
