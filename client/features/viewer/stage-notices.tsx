import { Group, Loader, Text } from '@mantine/core';
import { IconCloudOff, IconEye } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import { strings } from '../../strings/en.ts';
import { useServices } from '../../ui/services.tsx';
import { useStore } from '../../ui/use-store.ts';
import type { ViewerSession } from './viewer-session.ts';

const text = strings.viewer;

/** Words over the picture: never modal, the picture stays. */
export function StageNotices({ viewer }: { viewer: ViewerSession }): ReactNode {
  const { realtime } = useServices();
  const picture = useStore(viewer.picture.state);
  const link = useStore(realtime.state);
  const isNodeLinkUp = useNodeLink();
  return (
    <div aria-live="assertive" className="stage-notices">
      {picture === 'negotiating' && (
        <StageNotice testId="picture-waiting" icon={<Loader size="xs" />} title={text.startup} />
      )}
      {picture === 'mending' && (
        <StageNotice
          testId="reconnecting"
          icon={<Loader size="xs" color="yellow" />}
          title={text.reconnecting}
          help={text.reconnectingHelp}
        />
      )}
      {link !== 'online' && (
        <StageNotice testId="broker-offline" icon={<IconCloudOff size={16} />} title={text.brokerGone} />
      )}
      {link === 'online' && !isNodeLinkUp && (
        <StageNotice testId="node-link-down" icon={<IconCloudOff size={16} />} title={text.nodeLinkDown} />
      )}
      <WatchNotice viewer={viewer} />
    </div>
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
