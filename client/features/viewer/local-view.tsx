import { viewStateSchema, type SessionView, type ViewState } from '@medusa/protocol';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { z } from 'zod';
import type { ApplicationChoice } from '../../core/public-config.ts';
import { strings } from '../../strings/en.ts';
import { useServices } from '../../ui/services.tsx';
import { RefusedPage } from './ended-page.tsx';
import { useKeyImages } from './use-key-images.ts';
import { ViewerFrame } from './viewer-frame.tsx';
import type { ViewerSession } from './viewer-session.ts';

/** What the workstation's page, and that for slides, posts to its parent. */
const workstationMessageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('medusa.ready') }),
  z.object({ kind: z.literal('medusa.view-state'), view: viewStateSchema }),
]);

type Props = { readonly viewer: ViewerSession; readonly session: SessionView; readonly leave: () => void };

/** The workstation in this browser itself: the images come here, with a token for this one study. */
export function LocalView({ viewer, session, leave }: Props): ReactNode {
  const token = viewer.launch?.response.local?.studyToken;
  if (token === undefined) return <RefusedPage title={strings.launch.lostToken} />;
  return <LocalWorkstation viewer={viewer} session={session} leave={leave} token={token} />;
}

function LocalWorkstation({ viewer, session, leave, token }: Props & { token: string }): ReactNode {
  const frame = useRef<HTMLIFrameElement>(null);
  const [view, setView] = useState<ViewState | null>(null);
  const noteImage = useKeyImages(viewer, session, view);
  const { config } = useServices();

  useEffect(() => {
    const take = (event: MessageEvent<unknown>): void => {
      if (event.origin !== location.origin || event.source !== frame.current?.contentWindow) return;
      const message = workstationMessageSchema.safeParse(event.data);
      if (!message.success) return;
      if (message.data.kind === 'medusa.view-state') setView(message.data.view);
      else {
        frame.current.contentWindow?.postMessage({ kind: 'medusa.study-token', token }, location.origin);
        // So that the workstation's keys work before it is clicked on.
        frame.current.focus();
      }
    };
    window.addEventListener('message', take);
    return () => window.removeEventListener('message', take);
  }, [token]);

  const query = new URLSearchParams({
    study: session.studyInstanceUID,
    mode: 'local',
    rendering: localRendering(),
  });
  return (
    <ViewerFrame viewer={viewer} session={session} view={view} noteImage={noteImage} leave={leave}>
      <iframe
        ref={frame}
        className="local-frame"
        title={strings.viewer.localFrame}
        src={`/${pageOf(session, config.applications)}/?${query.toString()}`}
        data-testid="local-frame"
      />
    </ViewerFrame>
  );
}

function pageOf(
  { applicationId }: SessionView,
  applications: readonly ApplicationChoice[] = [],
): 'workstation' | 'slides' {
  const isSlides = applications.find(({ id }) => id === applicationId)?.kind === 'slides';
  return isSlides ? 'slides' : 'workstation';
}

/** Software WebGL is slower than the workstation's own CPU path. */
function localRendering(): 'cpu' | 'webgl' {
  const context = document
    .createElement('canvas')
    .getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  const isFast = context !== null;
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return isFast ? 'webgl' : 'cpu';
}
