import { Group, Loader, Text } from '@mantine/core';
import { IconCheck, IconCloudOff, IconEye, IconRotate3d } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { useServices } from '../../ui/services.tsx';
import { useStore } from '../../ui/use-store.ts';
import { useIsRelative } from './relative-pointer.tsx';
import type { ViewerSession } from './viewer-session.ts';

const text = strings.viewer;

/** Words over the picture: never modal, the picture stays. */
export function StageNotices({ viewer }: { viewer: ViewerSession }): ReactNode {
  const { realtime } = useServices();
  const picture = useStore(viewer.picture.state);
  const link = useStore(realtime.state);
  return (
    <div aria-live="assertive" className="stage-notices">
      {picture === 'negotiating' && (
        <StageNotice testId="picture-waiting" icon={<Loader size="xs" />} title={text.startup} />
      )}
      {picture === 'moving' && <MovingNotice viewer={viewer} />}
      {picture === 'mending' && <MendingNotice isOnline={link === 'online'} />}
      <RecoveredNotice viewer={viewer} />
      {picture !== 'mending' && picture !== 'moving' && <LinkNotice isOnline={link === 'online'} />}
      <WatchNotice viewer={viewer} />
      <HeldNotice />
    </div>
  );
}

/** Without the broker either, it is the user's own network that is gone, and no render node is to blame. */
function MendingNotice({ isOnline }: { isOnline: boolean }): ReactNode {
  return (
    <StageNotice
      testId={isOnline ? 'reconnecting' : 'network-lost'}
      icon={<Loader size="xs" color="yellow" />}
      title={isOnline ? text.reconnecting : text.networkLost}
      help={text.reconnectingHelp}
    />
  );
}

/** The picture goes on without the one or the other link. */
function LinkNotice({ isOnline }: { isOnline: boolean }): ReactNode {
  const isNodeLinkUp = useNodeLink();
  const icon = <IconCloudOff size={16} />;
  if (!isOnline) return <StageNotice testId="broker-offline" icon={icon} title={text.brokerGone} />;
  return isNodeLinkUp ? null : <StageNotice testId="node-link-down" icon={icon} title={text.nodeLinkDown} />;
}

/** Where the session is on its way to another node. */
function MovingNotice({ viewer }: { viewer: ViewerSession }): ReactNode {
  const session = useStore(viewer.session);
  const queue = session?.queue ?? null;
  return (
    <StageNotice
      testId="node-lost"
      icon={<Loader size="xs" color="yellow" />}
      title={text.nodeLost}
      help={queue ? text.nodeLostQueued(queue.position, queue.reason) : text.nodeLostHelp}
    />
  );
}

const recoveredShownMs = 8_000;

/** Said once, with the first picture of the other node. */
function RecoveredNotice({ viewer }: { viewer: ViewerSession }): ReactNode {
  const picture = useStore(viewer.picture.state);
  const recoveredAt = useStore(viewer.recovered);
  const [seen, setSeen] = useState<number | null>(null);
  const isNew = recoveredAt !== null && recoveredAt !== seen && picture === 'live';
  useEffect(() => {
    if (!isNew) return undefined;
    const timer = setTimeout(() => setSeen(recoveredAt), recoveredShownMs);
    return () => clearTimeout(timer);
  }, [isNew, recoveredAt]);
  if (!isNew) return null;
  return (
    <StageNotice
      testId="recovered"
      icon={<IconCheck size={16} />}
      title={text.recovered}
      help={text.recoveredHelp}
    />
  );
}

function WatchNotice({ viewer }: { viewer: ViewerSession }): ReactNode {
  const room = useStore(viewer.room.view);
  const you = useStore(viewer.room.you);
  if (!room || room.floorHolder === you) return null;
  return (
    <StageNotice
      testId="watching"
      icon={<IconEye size={16} />}
      title={room.floorHolder === null ? text.watchFree : text.watchOnly}
    />
  );
}

function HeldNotice(): ReactNode {
  if (!useIsRelative()) return null;
  const { held, heldHelp } = strings.relativePointer;
  return <StageNotice testId="mouse-held" icon={<IconRotate3d size={16} />} title={held} help={heldHelp} />;
}

function StageNotice(props: { testId: string; icon: ReactNode; title: string; help?: string }): ReactNode {
  return (
    <Group className="stage-notice" gap="sm" wrap="nowrap" data-testid={props.testId}>
      {props.icon}
      <div>
        <Text size="sm" fw={500}>
          {props.title}
        </Text>
        {props.help !== undefined && (
          <Text size="xs" c="dimmed">
            {props.help}
          </Text>
        )}
      </div>
    </Group>
  );
}

function useNodeLink(): boolean {
  const { realtime } = useServices();
  const [isUp, setUp] = useState(true);
  useEffect(() => {
    const listening = realtime.on('stream.node-link', (state) => setUp(state.isUp));
    return () => listening[Symbol.dispose]();
  }, [realtime]);
  return isUp;
}
