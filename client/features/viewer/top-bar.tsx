import { Badge, Button, Group, Indicator, Text, Tooltip } from '@mantine/core';
import { useFullscreenDocument } from '@mantine/hooks';
import type { SessionView, ViewState } from '@medusa/protocol';
import {
  IconDeviceDesktopPlus,
  IconDoorExit,
  IconFocusCentered,
  IconKeyboard,
  IconMaximize,
  IconMinimize,
  IconPointer,
  IconUsers,
} from '@tabler/icons-react';
import { useSyncExternalStore, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { useStore } from '../../ui/use-store.ts';
import { RecordingBar } from '../recordings/index.ts';
import { FloorButton } from '../rooms/index.ts';
import { BarButton } from './bar-button.tsx';
import { KeyImageButtons } from './key-images.tsx';
import { PixelStateBadge } from './pixel-state-badge.tsx';
import type { SecondScreen } from './second-screen/use-second-screen.ts';
import { RelativePointerButton } from './relative-pointer.tsx';
import { sharpness } from './sharpness-choice.ts';
import { StreamFigures } from './stream-figures.tsx';
import type { ViewerSession } from './viewer-session.ts';

const text = strings.viewer;

/** Whether the mouse shows the others something instead of steering. */
export type Pointing = { readonly isOn: boolean; readonly toggle: () => void };

type Props = {
  readonly viewer: ViewerSession;
  readonly session: SessionView;
  readonly view: ViewState | null;
  readonly noteImage: () => void;
  readonly isRoomOpen: boolean;
  readonly toggleRoom: () => void;
  readonly pointing?: Pointing;
  readonly secondScreen?: SecondScreen;
  readonly showHelp: () => void;
  readonly leave: () => void;
};

export function TopBar(props: Props): ReactNode {
  const { viewer, session, view } = props;
  return (
    <header className="viewer-bar" data-testid="viewer-bar">
      <Text fw={600} size="sm" truncate maw={380} title={session.studyTitle} data-testid="study-title">
        {session.studyTitle}
      </Text>
      <ViewText view={view} />
      <Group gap={10} ml="auto" wrap="nowrap">
        {session.mode === 'streamed' && (
          <>
            <RecordingBar room={viewer.room} />
            <StreamFigures picture={viewer.picture} />
            <PixelStateBadge still={viewer.picture.still} />
          </>
        )}
        <Badge
          variant="light"
          radius="sm"
          size="sm"
          data-testid="session-state"
          data-state={session.state}
          aria-live="polite"
        >
          {session.mode === 'local' ? text.local : text.states[session.state]}
        </Badge>
        <KeyImageButtons sessionId={session.id} note={props.noteImage} canNote={view !== null} />
        {props.pointing && <SharedButtons {...props} pointing={props.pointing} />}
        <BarButton
          label={text.keyboard}
          act={props.showHelp}
          testId="keyboard-help-button"
          icon={<IconKeyboard size={18} />}
        />
        {session.mode === 'streamed' && <RelativePointerButton viewer={viewer} />}
        {session.mode === 'streamed' && <SharpnessButton />}
        {props.secondScreen && <SecondScreenButton {...props.secondScreen} />}
        <FullscreenButton />
        <Tooltip label={text.leaveHint}>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconDoorExit size={16} />}
            onClick={props.leave}
            data-testid="leave-button"
          >
            {text.leave}
          </Button>
        </Tooltip>
      </Group>
    </header>
  );
}

/** What makes sense only with others in the room. */
function SharedButtons(props: Props & { pointing: Pointing }): ReactNode {
  const { viewer, pointing } = props;
  const room = useStore(viewer.room.view);
  const people = room?.participants.filter(({ isConnected }) => isConnected).length ?? 0;
  return (
    <>
      <FloorButton room={viewer.room} />
      <BarButton
        label={strings.room.pointHint}
        isOn={pointing.isOn}
        act={pointing.toggle}
        testId="point-toggle"
        icon={<IconPointer size={18} />}
      />
      <Indicator label={people} size={15} disabled={people < 2} offset={3} className="medusa-numeric">
        <BarButton
          label={props.isRoomOpen ? text.hideRoom : text.showRoom}
          isOn={props.isRoomOpen}
          act={props.toggleRoom}
          testId="room-toggle"
          icon={<IconUsers size={18} />}
        />
      </Indicator>
    </>
  );
}

function ViewText({ view }: { view: ViewState | null }): ReactNode {
  const active = view?.viewports.find(({ id }) => id === view.activeViewportId) ?? view?.viewports[0];
  if (!active) return null;
  const isSlide = active.kind === 'slide';
  const place = isSlide ? text.level : text.slice;
  const parts = [
    ...(active.sliceCount > 0 ? [place(active.sliceIndex + 1, active.sliceCount)] : []),
    ...(isSlide ? [] : [text.window(active.windowCenter, active.windowWidth)]),
    text.zoom(active.zoom),
  ];
  return (
    <Text size="sm" c="dimmed" className="medusa-numeric viewer-view-text" data-testid="view-text">
      {parts.join('   ')}
    </Text>
  );
}

/** Where the screen has more px than the page, whether they are all drawn and sent. */
function SharpnessButton(): ReactNode {
  const choice = useStore(sharpness);
  const ratio = useDevicePixelRatio();
  if (ratio <= 1) return null;
  const isSharp = choice === 'sharp';
  return (
    <BarButton
      label={isSharp ? text.sharp : text.economical}
      isOn={isSharp}
      act={() => sharpness.set(isSharp ? 'economical' : 'sharp')}
      testId="sharpness-toggle"
      icon={<IconFocusCentered size={18} />}
    />
  );
}

function useDevicePixelRatio(): number {
  return useSyncExternalStore(
    (changed) => {
      addEventListener('resize', changed);
      return () => removeEventListener('resize', changed);
    },
    () => devicePixelRatio,
  );
}

function SecondScreenButton({ shown, toggle }: SecondScreen): ReactNode {
  return (
    <BarButton
      label={shown ? strings.secondScreen.close : strings.secondScreen.open}
      isOn={shown !== null}
      act={toggle}
      testId="second-screen-button"
      icon={<IconDeviceDesktopPlus size={18} />}
    />
  );
}

function FullscreenButton(): ReactNode {
  const { toggle, fullscreen } = useFullscreenDocument();
  return (
    <BarButton
      label={fullscreen ? text.leaveFullscreen : text.fullscreen}
      act={() => void toggle()}
      testId="fullscreen-button"
      icon={fullscreen ? <IconMinimize size={18} /> : <IconMaximize size={18} />}
    />
  );
}
