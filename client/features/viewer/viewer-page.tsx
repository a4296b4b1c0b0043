import { sessionIdSchema, type SessionId, type SessionPriority, type SessionView } from '@medusa/protocol';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useEffect, useState, type ReactNode } from 'react';
import { mustAgree } from '../../core/recording-consent.ts';
import { strings } from '../../strings/en.ts';
import { useServices } from '../../ui/services.tsx';
import { useStore } from '../../ui/use-store.ts';
import { RecordingGate, useRecordingNews } from '../recordings/index.ts';
import { EndedPage, RefusedPage } from './ended-page.tsx';
import { LocalView } from './local-view.tsx';
import { StartupPage } from './startup-page.tsx';
import { StreamView } from './stream-view.tsx';
import { ViewerSession } from './viewer-session.ts';
import './viewer.css';

/** One session: its start-up, its picture, its end. */
export function ViewerPage(): ReactNode {
  const { sessionId } = useParams({ from: '/sessions/$sessionId' });
  const parsed = sessionIdSchema.safeParse(sessionId);
  if (!parsed.success) return <RefusedPage title={strings.viewer.unknownTitle} />;
  return <OpenViewer key={parsed.data} sessionId={parsed.data} />;
}

function OpenViewer({ sessionId }: { sessionId: SessionId }): ReactNode {
  const services = useServices();
  const [viewer, setViewer] = useState<ViewerSession>();
  useEffect(() => {
    const opened = new ViewerSession(services, sessionId);
    setViewer(opened);
    return () => opened.close();
  }, [services, sessionId]);
  return viewer ? <Phases viewer={viewer} /> : null;
}

function Phases({ viewer }: { viewer: ViewerSession }): ReactNode {
  const navigate = useNavigate();
  const session = useStore(viewer.session);
  const refusal = useStore(viewer.refusal);
  const roomRefusal = useStore(viewer.room.refusal);
  const isJoined = useStore(viewer.room.you) !== null;
  const leave = (): void => {
    void navigate({ to: '/' });
    viewer.leave().catch(() => viewer.close());
  };
  const askAs = (given: SessionView, priority: SessionPriority): void => {
    const { studyInstanceUID: study, applicationId: application, mode } = given;
    viewer
      .leave()
      .catch(() => viewer.close())
      .finally(() => {
        void navigate({ to: '/open', search: { study, application, mode, priority }, replace: true });
      });
  };

  if (session?.state === 'closed' || session?.state === 'failed') return <EndedPage session={session} />;
  const refused = refusal ?? roomRefusal;
  if (refused) return <RefusedPage title={strings.viewer.refusedTitle} error={refused} />;
  if (!session || !isJoined) return <StartupPage viewer={viewer} leave={leave} askAs={askAs} />;
  return <Joined viewer={viewer} session={session} leave={leave} />;
}

type JoinedProps = {
  readonly viewer: ViewerSession;
  readonly session: SessionView;
  readonly leave: () => void;
};

function Joined({ viewer, session, leave }: JoinedProps): ReactNode {
  const { room } = viewer;
  const isKeptBack = mustAgree(useStore(room.view), useStore(room.you));
  useRecordingNews(room);
  if (isKeptBack) return <RecordingGate room={room} leave={leave} />;
  if (session.mode === 'local') return <LocalView viewer={viewer} session={session} leave={leave} />;
  return <StreamView viewer={viewer} session={session} leave={leave} />;
}
